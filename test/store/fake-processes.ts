import type { Processes, ProcessIdentity } from '../../src/store/processes.ts';

/** Processes by pid with their start; a start of null is one the system does not tell. */
export function fakeProcesses(
  self: ProcessIdentity,
  running: Readonly<Record<number, string | null>>,
): Processes {
  return {
    self: async () => self,
    async look(pid) {
      const started = running[pid];
      return started === undefined ? 'gone' : { started };
    },
  };
}
