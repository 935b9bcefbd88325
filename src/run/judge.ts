import type { Completeness } from '../jobs/manifest.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { ExportOptions } from './options.ts';
import type { Tally } from './tally.ts';

type Limits = Pick<ExportOptions, 'allowIncomplete' | 'maxRejects'>;

/**
 * Whether what was fetched may be published.
 *
 * @throws ExportError (65) when completeness is not proven, or when more rows were set aside than allowed. The work
 *   stays: the same command with another limit publishes it without fetching it again.
 */
export function judge(
  limits: Limits,
  completeness: Completeness | undefined,
  tally: Tally,
): Completeness {
  if (!completeness)
    throw new ExportError('the walk ended without a verdict; this is a bug', {
      exitCode: EXIT.bug,
      stage: 'extract',
    });
  if (!completeness.proven && !limits.allowIncomplete) {
    throw new ExportError(
      `Completeness could not be proven: ${completeness.reason}. Nothing was published. Run the same command again when ` +
        'the jobs change less, or publish anyway with --allow-incomplete; what was fetched is kept.',
      { exitCode: EXIT.data, stage: 'extract', retryable: true },
    );
  }
  if (tally.rejects > limits.maxRejects) {
    const reasons = [...tally.reasons]
      .map(([reason, rows]) => `${rows} of them ${reason}`)
      .join('; ');
    throw new ExportError(
      `${tally.rejects} rows cannot be exported, more than --max-rejects ${limits.maxRejects} allows (${reasons}). ` +
        `Nothing was published. To publish the others, run the same command with --max-rejects ${tally.rejects}: what ` +
        'was fetched is kept, and these rows go to rejects.ndjson. To fetch them anew, add --restart.',
      { exitCode: EXIT.data, stage: 'transform' },
    );
  }
  return completeness;
}
