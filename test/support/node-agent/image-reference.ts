/** An image reference taken apart. */
export type ImageReference = {
  /** Registry and path in the shortest form people write: `nginx`, `hashicorp/http-echo`, `quay.io/metallb/speaker`. */
  readonly repository: string;
  /** Tag, `latest` when neither tag nor digest is given. */
  readonly tag: string;
  readonly digest?: string;
};

/**
 * Takes an image reference apart as container runtimes do: the part before the first slash is a registry if it has a
 * dot, a colon or is `localhost`; Docker Hub's own prefixes (`docker.io/`, `library/`) are dropped.
 */
export const parseImageReference = (image: string): ImageReference => {
  const [beforeDigest = '', digest] = image.split('@', 2);
  const colon = beforeDigest.lastIndexOf(':');
  const hasTag = colon > beforeDigest.lastIndexOf('/');
  const name = hasTag ? beforeDigest.slice(0, colon) : beforeDigest;
  const repository = name.replace(/^(?:index\.|registry-1\.)?docker\.io\//, '').replace(/^library\//, '');
  return {
    repository,
    tag: hasTag ? beforeDigest.slice(colon + 1) : 'latest',
    ...(digest === undefined ? {} : { digest }),
  };
};
