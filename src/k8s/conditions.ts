import type { ServiceCondition } from '../domain/objects.ts';
import { list, object, text } from '../lib/json.ts';

type RawCondition = Readonly<Record<string, unknown>>;

/** The condition of that type in the raw `status` of an object; undefined if it has none. */
export const findCondition = (status: unknown, type: string): RawCondition | undefined =>
  list(object(status)['conditions'])
    .map(object)
    .find((condition) => condition['type'] === type);

/** From a raw condition of that type. What is no status of the API counts as `Unknown`. */
export const projectCondition = (type: string, { status, reason, message }: RawCondition): ServiceCondition => ({
  type,
  status: status === 'True' || status === 'False' ? status : 'Unknown',
  reason: text(reason) ?? '',
  message: text(message) ?? '',
});
