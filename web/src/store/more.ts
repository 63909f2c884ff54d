// The actions that are loaded when they are used first.
import { runCommand } from './commands';
import type { Core } from './core';
import type { EarlyActions, LateActions } from './later';
import { peopleActions, roomActions } from './people';

export function moreActions(core: Core, early: EarlyActions): LateActions {
  const people = { ...roomActions(core), ...peopleActions(core) };
  return { ...people, runCommand: runCommand(core, { ...early, ...people }) };
}
