import { assembleConfiguration, type Assembly, type ConfigurationInput } from '../domain/config/assemble.ts';

export type ConfigurationWatchOptions = {
  /** All that the configuration is made of, now. */
  readonly input: () => ConfigurationInput;
  /** Told of every new outcome, the first one included. */
  readonly onAssembly: (assembly: Assembly) => void;
};

/** Assembles the configuration anew after changes; those of one turn of the event loop count as one. */
export type ConfigurationWatch = {
  /** Assembles for the first time: everything has been listed. */
  readonly start: () => void;
  /** Something of what the configuration is made of has changed. */
  readonly touch: () => void;
  /** The newest outcome; undefined before the start. */
  readonly current: () => Assembly | undefined;
};

/** Makes the watch; nothing is assembled before `start`. */
export const configurationWatch = ({ input, onAssembly }: ConfigurationWatchOptions): ConfigurationWatch => {
  let current: Assembly | undefined;
  let isStarted = false;
  let isTouched = false;
  const assemble = (): void => {
    isTouched = false;
    current = assembleConfiguration(input());
    onAssembly(current);
  };
  return {
    start: () => {
      isStarted = true;
      assemble();
    },
    touch: () => {
      if (!isStarted || isTouched) return;
      isTouched = true;
      queueMicrotask(assemble);
    },
    current: () => current,
  };
};
