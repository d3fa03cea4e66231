import { expect, test } from 'vitest';
import { parseDockerfile } from './dockerfile.ts';

test('the last stage alone counts', () =>
  expect(
    parseDockerfile(`
ARG NODE=26
FROM node:$NODE AS build
ENV NODE_ENV=development
ENTRYPOINT ["/bin/false"]

# the image itself
FROM --platform=linux/amd64 gcr.io/distroless/nodejs\${NODE}-debian13:nonroot
ARG VERSION=v1
ENV NODE_ENV=production \\
    GREETING="two words" V=\${VERSION}
COPY --from=build /build/dist/controller/ /app/
USER 65534:65534
WORKDIR /app
ENTRYPOINT ["/nodejs/bin/node", "--flag", "/app/main.js"]
CMD ["--help"]
`),
  ).toEqual({
    base: 'gcr.io/distroless/nodejs26-debian13:nonroot',
    env: new Map([
      ['NODE_ENV', 'production'],
      ['GREETING', 'two words'],
      ['V', 'v1'],
    ]),
    user: '65534:65534',
    workingDir: '/app',
    entrypoint: ['/nodejs/bin/node', '--flag', '/app/main.js'],
    cmd: ['--help'],
  }));

test('the shell form runs under sh', () =>
  expect(parseDockerfile('FROM x\nENV A one two\nCMD echo $A')).toMatchObject({
    env: new Map([['A', 'one two']]),
    cmd: ['/bin/sh', '-c', 'echo $A'],
  }));
