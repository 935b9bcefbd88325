/** A wrong option or a wrong call of the simulator. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
}

export function usageError(problem: string): SimulatorError {
  return new SimulatorError(`simulator: ${problem}`);
}
