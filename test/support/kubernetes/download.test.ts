import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChecksumError, downloadFile } from './download.ts';

// printf metallb | sha256sum
const checksum = 'accc561aab13dad2c660b65b2963e047d0feb2e0836e96f72b6b9840373e0a7e';

let folder: string;
let server: Server;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'metallb-ts-download-'));
  server = createServer((request, response) => {
    if (request.url === '/moved') response.writeHead(302, { location: '/program' }).end();
    else if (request.url === '/program') response.end('metallb');
    else response.writeHead(404).end('nothing here');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test('a file with the right checksum arrives, by a redirection too', async () => {
  const lines: string[] = [];
  expect(await downloadFile(`${url}/moved`, join(folder, 'a'), checksum, (line) => lines.push(line))).toBe(true);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('metallb');
  expect(lines).toEqual([`downloading ${url}/moved: 0 of 0 MB`]);
});

test('a file with a wrong checksum is an error that names both', async () => {
  const wrong = '0'.repeat(64);
  const downloading = downloadFile(`${url}/program`, join(folder, 'b'), wrong, () => {});
  await expect(downloading).rejects.toThrow(ChecksumError);
  await expect(downloading).rejects.toThrow(`has the SHA-256 checksum ${checksum}, and should have ${wrong}`);
});

test('what is not there, or has no server, is no error: there are other sources', async () => {
  expect(await downloadFile(`${url}/other`, join(folder, 'c'), checksum, () => {})).toBe(false);
  expect(await downloadFile('http://127.0.0.1:1/program', join(folder, 'd'), checksum, () => {})).toBe(false);
});
