import { convertBgpPeer } from '../../src/domain/resources/bgp-peer-conversion.ts';
import { text } from '../../src/lib/json.ts';
import type { HttpAnswer, HttpRequest } from '../../src/observe/http/request-listener.ts';
import { readReview, writeReview } from './review.ts';

/** The first is what API servers ask in; the second is what MetalLB's definition makes them ask in. */
const reviewVersions = ['apiextensions.k8s.io/v1', 'apiextensions.k8s.io/v1beta1'];

/** Answers a `ConversionReview`: all objects in the wanted version, or which of them cannot be converted and why. */
export const answerConversion = (request: HttpRequest): HttpAnswer => {
  const read = readReview(request, 'ConversionReview', reviewVersions);
  if (!read.ok) return read.error;
  const review = read.value;
  const fail = (message: string): HttpAnswer =>
    writeReview(review, { convertedObjects: [], result: { status: 'Failure', message } });
  const { desiredAPIVersion, objects } = review.request;
  const wanted = text(desiredAPIVersion);
  if (wanted === undefined) return fail('the request says no desiredAPIVersion');
  if (!Array.isArray(objects)) return fail('the request has no objects');
  const convertedObjects: object[] = [];
  for (const each of objects as readonly unknown[]) {
    const converted = convertBgpPeer(each, wanted);
    if (!converted.ok) return fail(converted.error);
    convertedObjects.push(converted.value);
  }
  return writeReview(review, { convertedObjects, result: { status: 'Success' } });
};
