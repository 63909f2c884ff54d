// The actions that are loaded when they are used first.
import { changeActions } from './changes';
import { runCommand } from './commands';
import type { Core } from './core';
import type { EarlyActions, LateActions } from './later';
import { peopleActions, roomActions } from './people';

export function moreActions(core: Core, early: EarlyActions): LateActions {
  const late = { ...changeActions(core, early.show), ...roomActions(core), ...peopleActions(core) };
  return { ...late, runCommand: runCommand(core, { ...early, ...late }) };
}
