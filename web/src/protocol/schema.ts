// A small language for the shape of JSON values: it checks a value, keeps the fields that it knows, and gives
// TypeScript the type. Fields that are unknown are dropped, as the protocol asks of clients.

/** What a value is read as if it does not have the shape. */
export const BAD = Symbol('bad');

/** Reads one value. */
export interface Shape<T> {
  readonly read: (value: unknown) => T | typeof BAD;
  /** Whether the field may be missing in an object. */
  readonly optional?: true;
}

/** The type of what a shape reads. */
export type Read<S> = S extends Shape<infer T> ? T : never;

type Fields = Readonly<Record<string, Shape<unknown>>>;
type OptionalKeys<F> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F];

/** The type of an object with these fields. */
export type ReadFields<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: Read<F[K]>;
} & {
  readonly [K in OptionalKeys<F>]?: Read<F[K]>;
};

function shape<T>(matches: (value: unknown) => value is T): Shape<T> {
  return { read: (value) => (matches(value) ? value : BAD) };
}

export const text = shape((value): value is string => typeof value === 'string');
export const flag = shape((value): value is boolean => typeof value === 'boolean');

/** A number that counts something. */
export const count = shape((value): value is number => Number.isSafeInteger(value) && Number(value) >= 0);

/** A time: RFC 3339 on the wire, milliseconds since 1970 here. */
export const time: Shape<number> = {
  read: (value) => {
    const millis = typeof value === 'string' ? Date.parse(value) : NaN;
    return Number.isNaN(millis) ? BAD : millis;
  },
};

export function nullable<T>(inner: Shape<T>): Shape<T | null> {
  return { read: (value) => (value === null ? null : inner.read(value)) };
}

export function optional<T>(inner: Shape<T>): Shape<T> & { readonly optional: true } {
  return { read: inner.read, optional: true };
}

/** One of two shapes. */
export function either<A, B>(first: Shape<A>, second: Shape<B>): Shape<A | B> {
  return {
    read: (value) => {
      const read = first.read(value);
      return read === BAD ? second.read(value) : read;
    },
  };
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    read: (value) => {
      if (!Array.isArray(value)) return BAD;
      const items: T[] = [];
      for (const each of value) {
        const read = item.read(each);
        if (read === BAD) return BAD;
        items.push(read);
      }
      return items;
    },
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with these fields; others are dropped. */
export function object<F extends Fields>(fields: F): Shape<ReadFields<F>> {
  const known = Object.entries(fields);
  return {
    read: (value) => {
      if (!isObject(value)) return BAD;
      const found: Record<string, unknown> = {};
      for (const [key, field] of known) {
        if (value[key] === undefined && field.optional) continue;
        const read = field.read(value[key]);
        if (read === BAD) return BAD;
        found[key] = read;
      }
      return found as ReadFields<F>;
    },
  };
}

/** One of several objects, told apart by the field `tag`. */
export type Tagged<Tag extends string, V extends Readonly<Record<string, Shape<object>>>> = {
  [K in keyof V & string]: Readonly<Record<Tag, K>> & Read<V[K]>;
}[keyof V & string];

/** What a value is read as if it is well-formed, but of a kind that this client does not know. */
export const UNKNOWN = Symbol('unknown');

/** Reads an object by the variant that its field `tag` names. */
export function readTagged<Tag extends string, V extends Readonly<Record<string, Shape<object>>>>(
  tag: Tag,
  variants: V,
  value: unknown,
): Tagged<Tag, V> | typeof BAD | typeof UNKNOWN {
  if (!isObject(value)) return BAD;
  const name = value[tag];
  if (typeof name !== 'string') return BAD;
  const variant = Object.hasOwn(variants, name) ? variants[name] : undefined;
  if (variant === undefined) return UNKNOWN;
  const read = variant.read(value);
  return read === BAD ? BAD : ({ [tag]: name, ...read } as Tagged<Tag, V>);
}

/** A list of tagged objects. Those of an unknown kind are left out. */
export function taggedList<Tag extends string, V extends Readonly<Record<string, Shape<object>>>>(
  tag: Tag,
  variants: V,
): Shape<readonly Tagged<Tag, V>[]> {
  return {
    read: (value) => {
      if (!Array.isArray(value)) return BAD;
      const read = value.map((item) => readTagged(tag, variants, item));
      if (read.includes(BAD)) return BAD;
      return read.filter((item): item is Tagged<Tag, V> => typeof item === 'object');
    },
  };
}
