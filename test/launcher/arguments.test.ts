import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseArguments } from '../../lib/launcher/arguments.js';

function options(...argv: string[]) {
  const command = parseArguments(argv);
  assert(command.kind === 'launch');
  return command.options;
}

describe('arguments of tsrun', () => {
  it('takes the number of ranks in every spelling in use', () => {
    for (const spelling of [
      '-np 3',
      '-np=3',
      '-n 3',
      '-n=3',
      '-n3',
      '--np 3',
      '--np=3',
      '--num-proc 3',
      '--num-proc=3',
    ]) {
      const parsed = options(...spelling.split(' '), 'train.js');
      assert.deepEqual([parsed.np, parsed.script, parsed.scriptArgs], [3, 'train.js', []], spelling);
    }
  });

  it('leaves everything behind the script to the script', () => {
    const flag = fc.constantFrom(
      '-np',
      '-np=5',
      '-n',
      '--help',
      '--version',
      '--',
      '-x',
      '--verbose',
      '--check-build',
      '',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(flag, fc.string())), (args) => {
        const parsed = options('-np', '2', '--verbose', 'train.js', ...args);
        assert.deepEqual([parsed.np, parsed.script, parsed.scriptArgs], [2, 'train.js', args]);
      }),
    );
  });

  it('collects variables, with values of any form', () => {
    process.env['TSRING_TEST_VARIABLE'] = 'from here';
    const parsed = options('-np', '1', '-x', 'A=b=c', '-x', 'EMPTY=', '-xTSRING_TEST_VARIABLE', 'train.js');
    delete process.env['TSRING_TEST_VARIABLE'];
    assert.deepEqual(parsed.environment, { A: 'b=c', EMPTY: '', TSRING_TEST_VARIABLE: 'from here' });
  });

  it('takes the command line that is in use with mpirun, and names what means nothing here once', () => {
    const command =
      '-np 16 -H server1:4,server2:4,server3:4,server4:4 -bind-to none -map-by slot -x NCCL_DEBUG=INFO ' +
      '-x TSRING_NOT_SET_ANYWHERE -x PATH -mca pml ob1 -mca btl ^openib train.js -np 3';
    const parsed = options(...command.split(' '));
    assert.deepEqual(
      parsed.hosts,
      [1, 2, 3, 4].map((n) => ({ host: `server${n}`, slots: 4, mentions: 0 })),
    );
    assert.deepEqual([parsed.np, parsed.mapBy, parsed.bindTo], [16, 'slot', 'none']);
    assert.deepEqual([parsed.script, parsed.scriptArgs], ['train.js', ['-np', '3']]);
    assert.deepEqual(parsed.environment, { NCCL_DEBUG: 'INFO', PATH: process.env['PATH'] });
    assert.deepEqual(parsed.notices, [
      'ignored, as it means nothing to tsring: -mca pml ob1, -mca btl ^openib',
      '-x TSRING_NOT_SET_ANYWHERE: it is not set here, so it is not passed on',
    ]);
  });

  it('takes the spellings of horovodrun and torchrun', () => {
    const horovod = '-np 2 -p 2222 -i key --network-interface eth0,eth1 --prefix-output-with-timestamp --gloo a.js';
    const one = options(...horovod.split(' '));
    assert.deepEqual(one.ssh, { port: 2222, identityFile: 'key' });
    assert.deepEqual([one.networkInterfaces, one.timestamp, one.notices?.length], [['eth0', 'eth1'], true, 1]);
    const torch =
      '--nnodes=2 --node_rank=1 --nproc_per_node=gpu --rdzv_endpoint=[fd00::1]:29400 --rdzv_backend=c10d a.js';
    const two = options(...torch.split(' '));
    const endpoint = { host: 'fd00::1', port: 29400 };
    assert.deepEqual(two.nodes, { count: 2, rank: 1, endpoint, jobId: 'fd00::1:29400' });
    assert.equal(two.nprocPerNode, 'gpu');
    assert.deepEqual(options('--standalone', '--nproc-per-node=3', 'a.js').hosts?.[0]?.slots, 3);
  });

  it('has tags on unless they are turned off, and times in their units', () => {
    assert.equal(options('-n', '1', 'a.js').tagOutput, true);
    assert.equal(options('-n', '1', '--no-tag-output', 'a.js').tagOutput, false);
    assert.equal(options('-n', '1', '--start-timeout', '3', 'a.js').startTimeoutMs, 3000);
    assert.equal(options('-n', '1', '--stop-grace-ms', '70', 'a.js').stopGraceMs, 70);
  });

  it('prints help with examples and the version', () => {
    const help = parseArguments(['--help']);
    assert(help.kind === 'print');
    assert.match(help.text, /-np, -n, --num-proc <N>[^]*Examples:\n {2}tsrun -np 4 train.js/);
    assert.equal(parseArguments(['-np', '2', '--help', 'train.js']).kind, 'print');
    assert.match((parseArguments(['--version']) as { text: string }).text, /^\d+\.\d+\.\d+\n$/);
    assert.equal(parseArguments(['--check-build']).kind, 'check-build');
    assert.deepEqual(parseArguments(['-np', '2', '--tune']), { kind: 'tune', np: 2, file: undefined });
    assert.deepEqual(parseArguments(['--tune', '--tune-file', 'f', '-np', '3']), { kind: 'tune', np: 3, file: 'f' });
  });

  const mistakes: [argv: string, message: RegExp][] = [
    ['-np 2 --tune --tuning-file f', /^--tuning-file is what a job reads; to write is --tune-file/],
    ['-np 2 --tune --transport tcp', /TSRING_TRANSPORT/],
    ['-np 2 --tune -H a:2', /--tune measures this host alone/],
    ['', /^which script\?/],
    ['-np 2', /^which script\?/],
    ['train.js', /^how many ranks\?/],
    ['-np', /argument missing$/],
    ['-np 0 a.js', /'0' is invalid: a whole number from 1/],
    ['-np -1 a.js', /'-1' is invalid/],
    ['-np 1.5 a.js', /'1.5' is invalid/],
    ['-np two a.js', /'two' is invalid/],
    ['-np 1000000 a.js', /from 1 to 1024/],
    ['-pn 2 a.js', /^unknown option '-pn'; did you mean -np\?$/],
    ['--num-procs=2 a.js', /did you mean --num-proc\?$/],
    ['--verbos a.js', /did you mean --verbose\?$/],
    ['--tag a.js', /did you mean --tag-output\?$/],
    ['--frobnicate a.js', /^unknown option '--frobnicate'; tsrun --help lists them$/],
    ['-np 1 -x =x a.js', /VAR or VAR=value/],
    ['-H a:0 a.js', /'a:0' is not HOST or HOST:SLOTS$/],
    ['-H a:2,,b a.js', /'' is not HOST or HOST:SLOTS$/],
    ['-H -oProxyCommand=x a.js', /is not HOST or HOST:SLOTS$/],
    ['-H a --hostfile f a.js', /^--hosts and --hostfile both say where/],
    ['--hostfile /nowhere/f a.js', /^the hostfile cannot be read: ENOENT.*\/nowhere\/f/],
    ['-np 2 --map-by core a.js', /'core' is invalid: slot or node is needed$/],
    ['-np 2 --bind-to socket a.js', /auto, none, core or numa is needed$/],
    ['-np 2 --nproc-per-node 3 a.js', /contradict each other/],
    ['--nproc-per-node many a.js', /auto, gpu or cpu is needed/],
    ['-np 2 --tee a.js', /^--tee goes with --output-filename$/],
    ['--nnodes 2 --nproc-per-node 2 a.js', /needs --node-rank and --rdzv-endpoint/],
    ['--nnodes 2 --node-rank 2 --rdzv-endpoint h:1 -np 1 a.js', /^--node-rank 2 is none of 0 to 1$/],
    ['--node-rank 1 -np 1 a.js', /^--node-rank goes with --nnodes$/],
    ['--nnodes 2 --node-rank 0 --rdzv-endpoint h:1 -H a a.js', /^--nnodes is for nodes/],
    ['--standalone --nnodes 2 --node-rank 0 --rdzv-endpoint h:1 -np 1 a.js', /^--standalone is one node/],
    ['--nnodes 2 --node-rank 0 --rdzv-endpoint h -np 1 a.js', /host:port is needed$/],
    [
      '--nnodes 2 --node-rank 0 --rdzv-endpoint h:1 -np 1 --ps 1 a.js',
      /^--ps goes with ranks on this host or by --hosts/,
    ],
    ['-np 2 --ps 0 a.js', /--ps <P>.*a whole number from 1 to/],
    ['-np 2 --output-filname d a.js', /did you mean --output-filename\?$/],
    ['-np 2 --oversubscirbe a.js', /did you mean --oversubscribe\?$/],
  ];
  for (const [argv, message] of mistakes) {
    it(`answers '${argv}' with one line`, () => {
      const parse = () => parseArguments(argv.split(' ').filter((word) => word !== ''));
      assert.throws(parse, { code: 'RING_INVALID_ARGUMENT', message });
      assert.throws(parse, (error: Error) => !error.message.includes('\n'));
    });
  }
});
