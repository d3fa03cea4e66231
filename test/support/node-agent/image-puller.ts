import { setTimeout as sleep } from 'node:timers/promises';
import { type Millis, millis, seconds } from '../../../src/lib/time.ts';
import { nextStart } from './back-off.ts';
import { findImage, type Image } from './images.ts';

/** Where the finding of an image is told. */
export type PullPorts = {
  readonly event: (type: 'Normal' | 'Warning', reason: string, message: string) => void;
  /** The reason and message of the container's `waiting` state. */
  readonly waiting: (reason: string, message: string) => void;
  readonly signal: AbortSignal;
};

/** How long a failure shows as `ErrImagePull` before it becomes `ImagePullBackOff`. */
const errorShown = seconds(2);

/** Finds an image; looks again, ever more seldom, while there is none. `undefined` when `signal` aborts. */
export const pullImage = async (
  reference: string,
  repo: string,
  { event, waiting, signal }: PullPorts,
): Promise<Image | undefined> => {
  const pause = (length: Millis): Promise<unknown> => sleep(length, undefined, { signal }).catch(() => undefined);
  let backOff: Millis | undefined = seconds(10);
  while (!signal.aborted) {
    const image = await findImage(reference, repo);
    if (image.ok) {
      event('Normal', 'Pulled', `Container image "${reference}" already present on machine`);
      return image.value;
    }
    event('Normal', 'Pulling', `Pulling image "${reference}"`);
    event('Warning', 'Failed', `Failed to pull image "${reference}": ${image.error}`);
    event('Warning', 'Failed', 'Error: ErrImagePull');
    waiting('ErrImagePull', image.error);
    await pause(errorShown);
    if (signal.aborted) return undefined;
    event('Normal', 'BackOff', `Back-off pulling image "${reference}"`);
    event('Warning', 'Failed', 'Error: ImagePullBackOff');
    waiting('ImagePullBackOff', `Back-off pulling image "${reference}": ErrImagePull: ${image.error}`);
    const next = nextStart(backOff, millis(0));
    await pause(millis(next.wait - errorShown));
    backOff = next.backOff;
  }
  return undefined;
};
