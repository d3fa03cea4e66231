import type { ConfigurationProblem } from '../domain/config/configuration.ts';
import type { Log } from '../lib/log.ts';

export type ProblemReporterOptions = {
  readonly log: Log;
  readonly metrics: {
    readonly updateErrors: { readonly inc: () => void };
    /** 1 while something that the user wrote is not in force. */
    readonly configStale: { readonly set: (value: 0 | 1) => void };
  };
  /** Told of each problem when it comes up. */
  readonly tell?: (problem: ConfigurationProblem) => void;
};

/**
 * Takes all problems that stand now, after each assembly of the configuration; logs, counts and tells those that were
 * not there before.
 */
export const problemReporter = ({
  log,
  metrics,
  tell = () => {},
}: ProblemReporterOptions): ((problems: readonly ConfigurationProblem[]) => void) => {
  let standing: ReadonlySet<string> = new Set();
  return (problems) => {
    const now = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
    for (const [text, problem] of now) {
      if (standing.has(text)) continue;
      const { kind, namespace, name, field, reason, message, severity } = problem;
      const isError = severity === 'error';
      if (isError) metrics.updateErrors.inc();
      log.warn(isError ? 'a part of the configuration is left out' : 'the configuration is odd', {
        kind,
        object: `${namespace}/${name}`,
        field,
        reason,
        message,
      });
      tell(problem);
    }
    standing = new Set(now.keys());
    metrics.configStale.set(problems.some(({ severity }) => severity === 'error') ? 1 : 0);
  };
};
