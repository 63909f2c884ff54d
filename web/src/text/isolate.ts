// Keeps foreign text from turning the text around it: signs that change the direction of writing end where it ends.

const DIRECTIONS = /[\u202a-\u202e\u2066-\u2069]/g;

/** The text between two isolating signs, without signs of its own. For places where it cannot have an element of its own. */
export function isolated(text: string): string {
  return `\u2068${text.replace(DIRECTIONS, '')}\u2069`;
}
