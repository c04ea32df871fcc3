import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readConfig, type ConfigOptions } from '../lib/config.js';
import { ringError } from './helpers/ring-error.js';

const secret = 'ab'.repeat(32);
const job = {
  TSRING_RANK: '1',
  TSRING_SIZE: '4',
  TSRING_LOCAL_RANK: '1',
  TSRING_LOCAL_SIZE: '2',
  TSRING_CROSS_RANK: '0',
  TSRING_CROSS_SIZE: '2',
  TSRING_STORE: '127.0.0.1:4711',
  TSRING_HOST: '127.0.0.2',
  TSRING_JOB_ID: 'a-job',
  TSRING_SECRET: secret,
};

describe('config', () => {
  it('is rank 0 of 1 with defaults in an empty environment', () => {
    assert.deepEqual(readConfig({}, {}), {
      rank: 0,
      size: 1,
      localRank: 0,
      localSize: 1,
      crossRank: 0,
      crossSize: 1,
      servers: 0,
      rendezvous: undefined,
      startTimeoutMs: 60_000,
      timeoutMs: 600_000,
      heartbeatTimeoutMs: 30_000,
      fusionThresholdBytes: 67_108_864,
      cacheCapacity: 1024,
      transport: 'auto',
      sockets: 1,
      algorithm: 'auto',
      tuningFile: undefined,
      ...{ autotune: false, autotuneLogFile: undefined, autotuneWarmupSamples: 3, autotuneStepsPerSample: 10 },
      processSets: undefined,
      stallCheckTimeSeconds: 60,
      stallShutdownTimeSeconds: 0,
      flightRecorderSize: 2000,
      flightRecorderDir: undefined,
      timeline: undefined,
      ncclLib: undefined,
      gpuTensors: 'auto',
      hierarchicalAllreduce: false,
      numNcclStreams: 1,
      encrypt: false,
      serverBackend: 'auto',
      checksum: false,
      checkFinite: false,
      logLevel: 'warn',
    });
  });

  it('reads every variable', () => {
    const times = { TSRING_START_TIMEOUT_MS: '1', TSRING_TIMEOUT_MS: '2', TSRING_HEARTBEAT_TIMEOUT_MS: '3' };
    const config = readConfig(
      {},
      {
        ...{
          ...job,
          ...times,
          TSRING_FUSION_THRESHOLD_BYTES: '0',
          TSRING_CACHE_CAPACITY: '7',
          ...{ TSRING_AUTOTUNE: '1', TSRING_AUTOTUNE_LOG_FILE: 'log.csv' },
          ...{ TSRING_AUTOTUNE_WARMUP_SAMPLES: '0', TSRING_AUTOTUNE_STEPS_PER_SAMPLE: '4' },
          TSRING_TRANSPORT: 'tcp',
          TSRING_SOCKETS: '4',
          TSRING_LOG_LEVEL: 'debug',
        },
        ...{ TSRING_ALGORITHM: 'ring', TSRING_TUNING_FILE: 'measured.json', TSRING_PROCESS_SETS: '0,1;3' },
        ...{
          TSRING_STALL_CHECK_TIME_SECONDS: '0.5',
          TSRING_STALL_SHUTDOWN_TIME_SECONDS: '7',
          TSRING_CHECK_FINITE: '1',
          TSRING_ENCRYPT: '1',
        },
        ...{
          TSRING_FLIGHT_RECORDER_SIZE: '3',
          TSRING_FLIGHT_RECORDER_DIR: 'dumps',
          TSRING_TIMELINE: 't.json',
          TSRING_NCCL_LIB: 'libnccl.so.2.30',
          TSRING_GPU_TENSORS: 'host',
          TSRING_HIERARCHICAL_ALLREDUCE: '1',
          TSRING_NUM_NCCL_STREAMS: '2',
          TSRING_CHECKSUM: 'true',
        },
      },
    );
    assert.deepEqual(config, {
      rank: 1,
      size: 4,
      localRank: 1,
      localSize: 2,
      crossRank: 0,
      crossSize: 2,
      servers: 0,
      rendezvous: {
        store: { host: '127.0.0.1', port: 4711 },
        host: '127.0.0.2',
        jobId: 'a-job',
        secret: Buffer.from(secret, 'hex'),
      },
      startTimeoutMs: 1,
      timeoutMs: 2,
      heartbeatTimeoutMs: 3,
      cacheCapacity: 7,
      fusionThresholdBytes: 0,
      transport: 'tcp',
      sockets: 4,
      algorithm: 'ring',
      tuningFile: 'measured.json',
      ...{ autotune: true, autotuneLogFile: 'log.csv', autotuneWarmupSamples: 0, autotuneStepsPerSample: 4 },
      processSets: [[0, 1], [3]],
      stallCheckTimeSeconds: 0.5,
      stallShutdownTimeSeconds: 7,
      flightRecorderSize: 3,
      flightRecorderDir: 'dumps',
      timeline: 't.json',
      ncclLib: 'libnccl.so.2.30',
      gpuTensors: 'host',
      hierarchicalAllreduce: true,
      numNcclStreams: 2,
      encrypt: true,
      serverBackend: 'auto',
      checksum: true,
      checkFinite: true,
      logLevel: 'debug',
    });
  });

  it('refuses algorithms through shared memory over TCP', () => {
    for (const algorithm of ['everyone', 'parts'] as const) {
      const refused = ringError('RING_CONFIG', /algorithm \(TSRING_ALGORITHM\) is .*over links/);
      assert.throws(() => readConfig({ algorithm, transport: 'tcp' }, {}), refused);
      assert.equal(readConfig({ algorithm }, {}).algorithm, algorithm);
    }
    assert.throws(() => readConfig({}, { TSRING_ALGORITHM: 'tree' }), ringError('RING_CONFIG', /recursive-doubling/));
  });

  it('prefers options over the environment', () => {
    const options = { rank: 2, store: '[::1]:80', secret: new Uint8Array(32).fill(7), timeoutMs: 5 };
    const config = readConfig(options, { ...job, TSRING_TIMEOUT_MS: 'broken, but not looked at' });
    assert.equal(config.rank, 2);
    assert.equal(config.timeoutMs, 5);
    assert.deepEqual(config.rendezvous?.store, { host: '::1', port: 80 });
    assert.deepEqual(config.rendezvous.secret, Buffer.alloc(32, 7));
  });

  it('takes a job without hosts for one host', () => {
    const { TSRING_RANK, TSRING_SIZE, TSRING_STORE, TSRING_JOB_ID, TSRING_SECRET } = job;
    const config = readConfig({}, { TSRING_RANK, TSRING_SIZE, TSRING_STORE, TSRING_JOB_ID, TSRING_SECRET });
    assert.deepEqual([config.localRank, config.localSize, config.crossRank, config.crossSize], [1, 4, 0, 1]);
    assert.equal(config.rendezvous?.host, '127.0.0.1');
  });

  const refusedVariables: [string, string | undefined, RegExp][] = [
    ['TSRING_RANK', 'one', /TSRING_RANK is "one"; allowed: a whole number from 0/],
    ['TSRING_RANK', '', /TSRING_RANK is ""; allowed/],
    ['TSRING_RANK', '-1', /TSRING_RANK is "-1"; allowed/],
    ['TSRING_RANK', '1.5', /TSRING_RANK is "1.5"; allowed/],
    ['TSRING_RANK', '4', /TSRING_RANK\) is 4; allowed: 0 to 3, as size \(TSRING_SIZE\) is 4/],
    ['TSRING_RANK', undefined, /TSRING_SIZE\) is set without rank \(TSRING_RANK\)/],
    ['TSRING_SIZE', undefined, /TSRING_RANK\) is set without size \(TSRING_SIZE\)/],
    ['TSRING_SIZE', '0', /TSRING_SIZE is "0"; allowed: a whole number from 1/],
    ['TSRING_LOCAL_RANK', undefined, /TSRING_LOCAL_SIZE\) is set without/],
    ['TSRING_LOCAL_RANK', '2', /TSRING_LOCAL_RANK\) is 2; allowed: 0 to 1/],
    ['TSRING_LOCAL_SIZE', '5', /TSRING_LOCAL_SIZE\) is 5; allowed: at most the job's size, 4/],
    ['TSRING_CROSS_SIZE', '5', /TSRING_CROSS_SIZE\) is 5; allowed: at most/],
    ['TSRING_STORE', undefined, /more than one rank needs store \(TSRING_STORE\).*tsrun/],
    ['TSRING_STORE', 'localhost', /TSRING_STORE is "localhost"; allowed: host:port/],
    ['TSRING_STORE', 'h:0', /TSRING_STORE is "h:0"; allowed: host:port/],
    ['TSRING_STORE', 'h:65536', /TSRING_STORE/],
    ['TSRING_STORE', '[nonsense]:80', /TSRING_STORE/],
    ['TSRING_STORE', '::1:80', /TSRING_STORE/],
    ['TSRING_JOB_ID', undefined, /TSRING_JOB_ID/],
    ['TSRING_JOB_ID', '', /TSRING_JOB_ID is ""/],
    ['TSRING_SECRET', undefined, /TSRING_SECRET_FD, TSRING_SECRET_FILE or TSRING_SECRET/],
    ['TSRING_TIMEOUT_MS', '0', /TSRING_TIMEOUT_MS is "0"; allowed: a whole number from 1/],
    ['TSRING_TIMEOUT_MS', '1e3', /TSRING_TIMEOUT_MS/],
    ['TSRING_FUSION_THRESHOLD_BYTES', '64MB', /TSRING_FUSION_THRESHOLD_BYTES is "64MB"/],
    ['TSRING_LOG_LEVEL', 'loud', /TSRING_LOG_LEVEL is "loud"; allowed: error, warn, info or debug/],
  ];
  for (const [variable, value, message] of refusedVariables) {
    it(`refuses ${variable}=${value ?? '(unset)'}`, () => {
      assert.throws(() => readConfig({}, { ...job, [variable]: value }), ringError('RING_CONFIG', message));
    });
  }

  it('refuses options of the wrong kind, and unknown ones', () => {
    const refused = (options: unknown, message: RegExp) =>
      assert.throws(() => readConfig(options as ConfigOptions, job), ringError('RING_CONFIG', message));
    refused({ rank: '1' }, /rank \(TSRING_RANK\) is "1"; allowed: a whole number/);
    refused({ timeoutMs: Number.NaN }, /timeoutMs \(TSRING_TIMEOUT_MS\) is NaN/);
    refused({ logLevel: null }, /logLevel/);
    refused({ timeout: 3 }, /no option "timeout"; it has rank, size/);
  });

  it('reads any whole number in range back, and nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (ms) => {
        assert.equal(readConfig({}, { TSRING_TIMEOUT_MS: String(ms) }).timeoutMs, ms);
      }),
    );
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/^\d+$/.test(text)),
        (text) => {
          assert.throws(() => readConfig({}, { TSRING_TIMEOUT_MS: text }), ringError('RING_CONFIG'));
        },
      ),
    );
  });
});
