"""A rank of a peer in bench:training: the models, batch and steps of rank.ts, in TensorFlow's own Python.

Plain tf.nn operations, NHWC, momentum, random images made once; a tf.function, or with --eager none. With more than one rank every
timed step is followed by one without communication, for which the ranks wait for each other: what communication costs shows
whatever else the machine does meanwhile. Every rank prints its peak memory, and rank 0 one line of JSON, whose fields are those of sample.ts.
"""
import argparse
import json
import os
import resource
import time

parser = argparse.ArgumentParser()
parser.add_argument("--system", choices=("alone", "horovod", "multiworker"), required=True)
parser.add_argument("--model", choices=("inception_v1", "vgg19"), required=True)
parser.add_argument("--eager", action="store_true")
parser.add_argument("--learning_rate", type=float, required=True)
for name in ("batch_size", "image_size", "num_batches", "num_warmup_batches"):
    parser.add_argument("--" + name, type=int, required=True)
parser.add_argument("--processors", help="of each rank on this machine, in their order: 0,1:2,3")
options = parser.parse_args()


def worker():
    return json.loads(os.environ["TF_CONFIG"])["task"]["index"]


def local_rank():  # where all ranks are on this machine
    if options.system == "multiworker":
        return worker()
    return int(os.environ.get("OMPI_COMM_WORLD_LOCAL_RANK", os.environ.get("HOROVOD_LOCAL_RANK", 0)))


def processors_in(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


if options.processors:  # before TensorFlow starts threads
    os.sched_setaffinity(0, processors_in(options.processors.split(":")[local_rank()]))

import tensorflow as tf  # noqa: E402

threads = int(os.environ["TF_NUM_INTRAOP_THREADS"])
tf.config.threading.set_intra_op_parallelism_threads(threads)
tf.config.threading.set_inter_op_parallelism_threads(threads)

hvd = strategy = None
rank, ranks = 0, 1
if options.system == "horovod":
    import horovod.tensorflow as hvd

    hvd.init()
    rank, ranks = hvd.rank(), hvd.size()
elif options.system == "multiworker":
    ring = tf.distribute.experimental.CommunicationImplementation.RING
    strategy = tf.distribute.MultiWorkerMirroredStrategy(
        communication_options=tf.distribute.experimental.CommunicationOptions(implementation=ring))
    rank, ranks = worker(), strategy.num_replicas_in_sync


class Weights:
    """Variables in the order in which a model asks for them: made at the first pass, handed out again at later ones."""

    def __init__(self):
        self.all, self.next = [], 0

    def get(self, shape, deviation):
        if self.next == len(self.all):
            values = tf.random.stateless_normal(shape, (1, self.next)) * deviation if deviation else tf.zeros(shape)
            self.all.append(tf.Variable(values))
        self.next += 1
        return self.all[self.next - 1]


weights = Weights()


def conv(x, filters, size, stride=1):
    inputs = x.shape[-1]
    kernel = weights.get((size, size, inputs, filters), (2 / (size * size * inputs)) ** 0.5)
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, kernel, stride, "SAME"), weights.get((filters,), 0)))


def dense(x, units, deviation):
    kernel = weights.get((x.shape[-1], units), deviation)
    return tf.nn.bias_add(tf.matmul(x, kernel), weights.get((units,), 0))


def max_pool(x, size, stride, padding="SAME"):
    return tf.nn.max_pool2d(x, size, stride, padding)


# One tuple a module: 1x1, before 3x3, 3x3, before 5x5, 5x5, after the pool. None: a pool that halves.
INCEPTION = (
    (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64), None,
    (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64),
    (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128), None,
    (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128),
)


def inception_v1(x):
    x = max_pool(conv(x, 64, 7, 2), 3, 2)
    x = max_pool(conv(conv(x, 64, 1), 192, 3), 3, 2)
    for module in INCEPTION:
        if module is None:
            x = max_pool(x, 3, 2)
            continue
        one, before3, three, before5, five, pooled = module
        branches = [conv(x, one, 1), conv(conv(x, before3, 1), three, 3), conv(conv(x, before5, 1), five, 5),
                    conv(max_pool(x, 3, 1), pooled, 1)]
        x = tf.concat(branches, 3)
    return dense(tf.reduce_mean(x, (1, 2)), 1000, 0.01)


def vgg19(x):
    for filters, count in ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)):
        for _ in range(count):
            x = conv(x, filters, 3)
        x = max_pool(x, 2, 2, "VALID")
    x = tf.reshape(x, (x.shape[0], x.shape[1] * x.shape[2] * x.shape[3]))
    for _ in range(2):
        x = tf.nn.relu(dense(x, 4096, (2 / x.shape[-1]) ** 0.5))
    return dense(x, 1000, 0.01)


def logits(images):
    weights.next = 0
    return {"inception_v1": inception_v1, "vgg19": vgg19}[options.model](images)


def make_optimizer():
    logits(tf.zeros((1, options.image_size, options.image_size, 3)))
    made = tf.keras.optimizers.legacy.SGD(options.learning_rate, 0.9)  # one fused kernel a variable
    made._create_all_weights(weights.all)  # or the first step would be traced twice
    return made


if strategy:
    with strategy.scope():
        optimizer = make_optimizer()
else:
    optimizer = make_optimizer()
if hvd:
    hvd.broadcast_variables(weights.all, root_rank=0)

images = tf.random.stateless_normal((options.batch_size, options.image_size, options.image_size, 3), (2, rank))
labels = tf.constant([(37 * i + 11 * rank) % 1000 for i in range(options.batch_size)], tf.int32)


def make_step(shared):
    @tf.autograph.experimental.do_not_convert
    def replica(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits(x)))
            scaled = loss / ranks if strategy else loss  # a strategy sums gradients, Horovod averages them
        if hvd and shared:
            tape = hvd.DistributedGradientTape(tape)
        gradients = tape.gradient(scaled, weights.all)
        optimizer.apply_gradients(zip(gradients, weights.all), experimental_aggregate_gradients=shared)
        return loss

    def step(x, y):
        return strategy.run(replica, (x, y)) if strategy else replica(x, y)

    return step if options.eager else tf.function(step, autograph=False)


def meet():
    if hvd:
        hvd.allreduce(tf.zeros(1), name="meet")
    elif strategy:
        context = tf.distribute.get_replica_context
        strategy.run(tf.function(lambda: context().all_reduce(tf.distribute.ReduceOp.SUM, tf.zeros(1))))


def timed(step):
    meet()
    began = time.perf_counter()
    loss = float(step(images, labels))
    return (time.perf_counter() - began) * 1e3, loss


shared_step, local_step = make_step(True), make_step(False)
steps, local_steps, loss = [], [], 0.0
for i in range(-options.num_warmup_batches, options.num_batches):
    ms, loss = timed(shared_step)
    local_ms = timed(local_step)[0] if ranks > 1 else None
    if i >= 0:
        steps.append(ms)
        local_steps += [] if local_ms is None else [local_ms]

peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print("@rank " + json.dumps({"rank": rank, "peakBytes": peak_bytes}), flush=True)
if rank == 0:
    print("@sample " + json.dumps({
        "model": options.model, "ranks": ranks, "batch": options.batch_size, "imageSize": options.image_size, "threads": threads,
        "parameters": sum(v.shape.num_elements() for v in weights.all), "steps": steps, "localSteps": local_steps,
        "peakBytes": peak_bytes, "tensorflow": tf.__version__, "loss": loss,
    }), flush=True)
