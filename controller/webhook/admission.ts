import type { AdmissionDecision, AdmissionRequest } from '../../src/domain/admission/admission.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import { projectCustomResource } from '../../src/k8s/custom-resource.ts';
import { filled, isObject, object, text } from '../../src/lib/json.ts';
import { err, ok, type Result } from '../../src/lib/result.ts';
import type { HttpAnswer, HttpRequest } from '../../src/observe/http/request-listener.ts';
import { readReview, type Review, writeReview } from './review.ts';

/** Says what becomes of a request. */
export type Judge = (request: AdmissionRequest) => Promise<AdmissionDecision>;

const reviewVersions = ['admission.k8s.io/v1'];

const operations = ['CREATE', 'UPDATE', 'DELETE'] as const;

/** Answers an `AdmissionReview` about objects of one kind. Rejects only if `judge` does. */
export const answerAdmission = async (
  request: HttpRequest,
  kind: AdmissionRequest['kind'],
  judge: Judge,
): Promise<HttpAnswer> => {
  const read = readReview(request, 'AdmissionReview', reviewVersions);
  if (!read.ok) return read.error;
  const asked = readRequest(read.value, kind);
  const decision = asked.ok
    ? await judge(asked.value)
    : { allowed: false as const, message: asked.error, code: 400, warnings: [] };
  const warnings = decision.warnings.map(oneLine);
  return writeReview(read.value, {
    allowed: decision.allowed,
    ...(warnings.length > 0 && { warnings }),
    ...(!decision.allowed && { status: refusal(decision.code, oneLine(decision.message)) }),
  });
};

const readRequest = ({ request }: Review, kind: AdmissionRequest['kind']): Result<AdmissionRequest> => {
  const { operation, namespace, name, object: after, oldObject: before } = request;
  const known = operations.find((each) => each === operation);
  const asked = text(object(request['kind'])['kind']);
  if (asked !== kind) return err(`a ${kind} was expected here, not ${JSON.stringify(asked ?? null)}`);
  if (known === undefined) return err(`unknown operation ${JSON.stringify(operation ?? null)} on a ${kind}`);
  const place: Place = { kind, namespace: text(namespace) ?? '', name: text(name) ?? '' };
  const now = readObject(after, place);
  if (!now.ok) return now;
  const old = readObject(before, place);
  if (!old.ok) return old;
  if (known !== 'DELETE' && now.value === undefined) return err(`the ${kind} itself is missing`);
  return ok({
    operation: known,
    kind,
    namespace: place.namespace,
    name: now.value?.metadata.name ?? place.name,
    ...(now.value && { object: now.value }),
    ...(old.value && { oldObject: old.value }),
  });
};

type Place = { readonly kind: string; readonly namespace: string; readonly name: string };

/** Absent where there is none, as before a creation. */
const readObject = (raw: unknown, { kind, namespace, name }: Place): Result<CustomResource | undefined> => {
  if (raw === undefined || raw === null) return ok(undefined);
  const metadata = object(object(raw)['metadata']);
  // The name of an object that only has `generateName` may not have been made yet.
  const called = filled(metadata['name']) ?? (filled(name) || filled(metadata['generateName']));
  const resource = isObject(raw)
    ? projectCustomResource({ ...raw, metadata: { namespace, ...metadata, name: called } })
    : undefined;
  return resource === undefined
    ? err(`cannot read the ${kind} ${JSON.stringify(name)}: it has no namespace or no name`)
    : ok(resource);
};

/** A `Status` of `meta/v1`, of which kubectl prints the message. */
const refusal = (code: number, message: string) => ({
  status: 'Failure',
  message,
  reason: code === 400 ? 'BadRequest' : 'Forbidden',
  code,
});

/** Headers, in which warnings travel, and sentences have no line breaks. */
const oneLine = (message: string): string => message.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
