// The form of the names of users, as the server checks it.

export const NAME_PATTERN = '[A-Za-z0-9][A-Za-z0-9_\\-]*';
export const LONGEST_USER = 32;
