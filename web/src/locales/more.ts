// Looks texts up for the parts that are loaded when they are wanted; their English texts come with them.

import { fill, moreTexts, t as basic } from '.';
import { enMore } from './en-more';
import type { Key, MoreKey, Params } from './types';

/** The text of `key`, as `t` of the page does for its own texts. */
export function t(key: Key | MoreKey, params: Params = {}): string {
  return isMore(key) ? fill((moreTexts() ?? enMore)[key], params) : basic(key, params);
}

function isMore(key: Key | MoreKey): key is MoreKey {
  return key in enMore;
}
