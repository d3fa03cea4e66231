import { type Clock, millis, type Millis, seconds } from '../../lib/time.ts';
import { type Api, ApiError, type ApiRequest, ApiUnreachable } from '../client/api.ts';
import type { Leadership } from './leader-election.ts';

/**
 * Nothing was sent: another replica works, or nobody knows for certain who does. Whoever retries when the API server
 * cannot be reached does the right thing.
 */
export class NotLeader extends ApiUnreachable {
  override readonly name = 'NotLeader';

  constructor(message: string) {
    super(message, undefined);
  }
}

/** Whether a write was refused here because this replica does not lead; its owner retries it and need not tell. */
export const isNotLeader = (error: unknown): error is NotLeader => error instanceof NotLeader;

export type FencedApi = Api & {
  /** Whether no write is under way, nor one on its way to the server that was given up here: then another may lead. */
  readonly isAtRest: () => boolean;
};

/** A write ends so long before the leadership can: the way to the API server takes time as well. */
const margin: Millis = millis(250);

/** With less time than this a write is not begun; a slow server would only be made slower. */
const leastTime: Millis = millis(500);

const defaultDeadline: Millis = seconds(30);

/**
 * The same API server for somebody who may write only while leading. A write begins only if there is time for it, and
 * ends before the leadership can end: by its deadline here, and by that of the API server, should this process be stopped
 * meanwhile. Reads pass.
 */
export const fenceWrites = (
  api: Api,
  { leadership, clock }: { readonly leadership: Pick<Leadership, 'validFor'>; readonly clock: Pick<Clock, 'now'> },
): FencedApi => {
  let underWay = 0;
  /** Until when a write that was not answered may still take effect. */
  let uncertainUntil = -Infinity;
  const fence = (request: ApiRequest): ApiRequest => {
    if (request.method === undefined || request.method === 'GET') return request;
    const validFor = leadership.validFor();
    if (validFor === Infinity) return request;
    const left = millis(validFor - margin);
    if (left < leastTime) throw new NotLeader(`${request.method} ${request.path}: this replica does not lead`);
    const deadline = millis(Math.min(request.deadline ?? defaultDeadline, left));
    return { ...request, deadline, limitsServer: true };
  };

  const follow = async (deadline: Millis, answer: Promise<unknown>): Promise<unknown> => {
    const end = clock.now() + deadline;
    underWay++;
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof ApiError)) uncertainUntil = Math.max(uncertainUntil, end);
      throw error;
    } finally {
      underWay--;
    }
  };

  return {
    request: async (request) => {
      const fenced = fence(request);
      const answer = api.request(fenced);
      return fenced.limitsServer === true ? follow(fenced.deadline ?? defaultDeadline, answer) : answer;
    },
    stream: async (request) => api.stream(fence(request)),
    close: () => api.close(),
    isAtRest: () => underWay === 0 && clock.now() >= uncertainUntil,
  };
};
