#include "nccl/gpu_meeting.h"

#include <algorithm>
#include <span>

#include "base/bytes.h"

namespace tsring {
namespace {

constexpr int kRanksMayShareGpu = 23000;  // NCCL 2.30, when told so
constexpr size_t kCardBytes = 768;        // of one rank: all are equally long
constexpr size_t kMostReason = 500;

/// What a rank tells the others.
struct Record {
  std::string reason;  // why it cannot take part; empty: it can
  int32_t version = 0;
  GpuUuid uuid{};
  NcclUniqueId id{};  // of those that make one
};

Bytes encode(const Record& record) {
  const std::string_view reason(record.reason);
  ByteWriter out;
  out.putString(reason.substr(0, kMostReason)).put(record.version);
  out.put(std::as_bytes(std::span(record.uuid))).put(std::as_bytes(std::span(record.id.bytes)));
  Bytes bytes = out.take();
  bytes.resize(kCardBytes);
  return bytes;
}

Record decode(std::span<const std::byte> bytes) {
  ByteReader in(bytes);
  Record record;
  record.reason = in.string();
  record.version = in.get<int32_t>();
  std::ranges::copy(in.raw(record.uuid.size()), std::as_writable_bytes(std::span(record.uuid)).begin());
  std::ranges::copy(in.raw(record.id.bytes.size()), std::as_writable_bytes(std::span(record.id.bytes)).begin());
  return record;
}

/// Ours, and into `meeting` what it is about.
Record introduce(const GpuChoice& choice, bool makesId,
                 const std::function<Status(const std::shared_ptr<CudaDevice>&)>& getReady, GpuMeeting& meeting) {
  Record record;
  const auto refuse = [&](const Status& why) {
    record.reason = why.message();
    return record;
  };
  const Result<CudaApi>& cuda = cudaApi();
  if (!cuda.ok()) return refuse(cuda.status());
  const Result<NcclApi>& nccl = ncclApi(choice.ncclLibrary);
  if (!nccl.ok()) return refuse(nccl.status());
  auto device = CudaDevice::open(cuda.value(), choice.device);
  if (!device.ok()) return refuse(device.status());
  if (const Status ready = getReady(device.value()); !ready.ok()) return refuse(ready);
  meeting.nccl = &nccl.value();
  meeting.device = std::move(device).value();
  record.version = nccl.value().version;
  record.uuid = meeting.device->uuid();
  if (!makesId) return record;
  const CudaDevice::Use use(*meeting.device);
  const NcclResult made = nccl.value().GetUniqueId(&record.id);
  if (made != kNcclSuccess) record.reason = std::string("ncclGetUniqueId: ") + nccl.value().GetErrorString(made);
  return record;
}

/// The same on all ranks.
Status judge(const std::vector<Record>& records, const std::vector<std::string>& names) {
  for (size_t rank = 0; rank < records.size(); ++rank) {
    const Record& record = records[rank];
    if (!record.reason.empty()) {
      return Status(StatusCode::kUnsupported, names[rank] + " cannot use its GPU: " + record.reason);
    }
    if (record.version != records[0].version) {
      return Status(StatusCode::kUnsupported, names[rank] + " has NCCL " + ncclVersionText(record.version) + ", " +
                                                  names[0] + " has " + ncclVersionText(records[0].version) +
                                                  "; install the same version for all, or name one in TSRING_NCCL_LIB");
    }
    for (size_t other = 0; other < rank && record.version < kRanksMayShareGpu; ++other) {
      if (records[other].uuid != record.uuid) continue;
      return Status(StatusCode::kUnsupported, names[other] + " and " + names[rank] + " use the same GPU, which NCCL " +
                                                  ncclVersionText(record.version) +
                                                  " does not allow; start no more ranks on a host than it has GPUs");
    }
  }
  return Status::okay();
}

}  // namespace

Result<GpuMeeting> meetGpus(CollectiveBackend& meet, const GpuChoice& choice, const std::vector<std::string>& names,
                            int idMaker, const std::function<Status(const std::shared_ptr<CudaDevice>&)>& getReady) {
  GpuMeeting meeting;
  const auto maker = static_cast<size_t>(idMaker);
  const Bytes own = encode(introduce(choice, meet.index() == maker, getReady, meeting));
  std::vector<Bytes> all(meet.size(), Bytes(kCardBytes));
  all[meet.index()] = own;
  std::vector<std::span<std::byte>> blocks(all.begin(), all.end());
  if (Status s = meet.allgather(blocks); !s.ok()) return s;
  std::vector<Record> records;
  for (const Bytes& bytes : all) records.push_back(decode(bytes));
  if (Status s = judge(records, names); !s.ok()) return s;
  meeting.id = records[maker].id;
  return meeting;
}

}  // namespace tsring
