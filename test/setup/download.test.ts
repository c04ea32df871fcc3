import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { download, type DownloadOptions } from '../../lib/setup/download.js';
import { SetupFailure } from '../../lib/setup/failure.js';
import { FileServer, type Behaviour } from './file-server.js';
import { temporaryFolder } from './temporary-folder.js';

describe('download', () => {
  const content = randomBytes(300_000);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const folder = temporaryFolder();
  const path = () => join(folder(), 'deep', 'file.whl');
  const quick: DownloadOptions = { idleTimeoutMs: 200, onProgress: () => undefined };
  let server: FileServer;
  afterEach(() => server.close());

  async function fetchWith(behaviours: Behaviour[], options: DownloadOptions = { ...quick, idleTimeoutMs: 10_000 }) {
    server = await FileServer.of(content, behaviours);
    await download({ url: server.url, sha256 }, path(), options);
  }

  it('stores the file and tells how far it is', async () => {
    const seen: [number, number | undefined][] = [];
    const onProgress = (received: number, total?: number) => void seen.push([received, total]);
    await fetchWith([], { idleTimeoutMs: 10_000, onProgress });
    assert.ok(readFileSync(path()).equals(content));
    assert.deepEqual(seen.at(-1), [content.length, content.length]);
    assert.ok(!existsSync(`${path()}.part`));
  });

  it('goes on where a killed run has left off', async () => {
    const part = join(folder(), 'file.whl.part');
    writeFileSync(part, content.subarray(0, 100_000));
    server = await FileServer.of(content);
    await download({ url: server.url, sha256 }, join(folder(), 'file.whl'), quick);
    assert.deepEqual(server.starts, [100_000]);
    assert.ok(readFileSync(join(folder(), 'file.whl')).equals(content));
  });

  it('asks for nothing twice when only the rename was missing', async () => {
    writeFileSync(join(folder(), 'file.whl.part'), content);
    server = await FileServer.of(content);
    await download({ url: server.url, sha256 }, join(folder(), 'file.whl'), quick);
    assert.deepEqual(server.starts, [content.length]);
  });

  it('goes on after a connection that broke, as long as bytes come', async () => {
    await fetchWith(['cut off', 'cut off', 'cut off', 'cut off', 'cut off']);
    assert.equal(server.starts.length, 6);
    assert.ok(readFileSync(path()).equals(content));
  });

  it('starts over with a server that cannot go on', async () => {
    await fetchWith(['cut off', 'ignore range']);
    assert.ok(readFileSync(path()).equals(content));
  });

  it('takes a file that pip has found on this machine', async () => {
    server = await FileServer.of(content);
    const here = join(folder(), 'here.whl');
    writeFileSync(here, content);
    await download({ url: pathToFileURL(here).href, sha256 }, path(), quick);
    assert.ok(readFileSync(path()).equals(content));
  });

  it('refuses and removes what has the wrong hash', async () => {
    server = await FileServer.of(content);
    const wanted = { url: server.url, sha256: '0'.repeat(64) };
    await assert.rejects(download(wanted, path(), quick), failure(/does not have the promised bytes/));
    assert.ok(!existsSync(path()) && !existsSync(`${path()}.part`));
  });

  it('gives up on a server that says nothing, or no', async () => {
    await assert.rejects(fetchWith(['silence', 'silence', 'silence'], quick), failure(/nothing arrived for 0.2 s/));
    await server.close();
    await assert.rejects(fetchWith(['not found']), failure(/status 404/));
    await server.close();
  });

  it('gives up on an address where nobody listens', async () => {
    server = await FileServer.of(content);
    const nobody = { url: server.url, sha256 };
    await server.close();
    await assert.rejects(download(nobody, path(), quick), failure(/ECONNREFUSED/));
  });
});

function failure(message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SetupFailure, String(error));
    assert.match(error.message, message);
    return true;
  };
}
