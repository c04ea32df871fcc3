#include "engine/messages.h"

namespace tsring {

void encode(const Status& status, ByteWriter& out) {
  out.put(static_cast<uint8_t>(status.code())).putString(status.message().substr(0, kMaxMessageBytes));
}

bool decode(ByteReader& in, Status& status) {
  const auto code = in.get<uint8_t>();
  std::string message = in.string();
  if (!in.ok() || code > static_cast<uint8_t>(kLastStatusCode)) return false;
  status = code == 0 ? Status() : Status(static_cast<StatusCode>(code), std::move(message));
  return true;
}

void encode(const Verdict& verdict, ByteWriter& out) {
  out.putString(verdict.name);
  encode(verdict.status, out);
  out.put(static_cast<uint32_t>(verdict.shapes.size()));
  for (size_t rank = 0; rank < verdict.shapes.size(); ++rank) {
    Request brought{RequestHeader(), verdict.shapes[rank]};
    if (rank < verdict.splits.size()) brought.header.splits = verdict.splits[rank];
    encode(brought, out);
  }
  out.put(verdict.lastRank).put(verdict.hostRank).put(uint8_t{verdict.request.has_value()});
  if (verdict.request) encode(*verdict.request, out);
  out.put(verdict.number).put(verdict.forgotten);
}

bool decode(ByteReader& in, Verdict& verdict) {
  verdict.name = in.string();
  if (!decode(in, verdict.status)) return false;
  const auto ranks = in.get<uint32_t>();
  if (ranks > in.left()) return false;
  verdict.shapes.clear();
  verdict.splits.clear();
  for (uint32_t rank = 0; rank < ranks; ++rank) {
    Request request;
    if (!decode(in, request)) return false;
    verdict.shapes.push_back(std::move(request.shapes));
    if (!request.header.splits.empty()) verdict.splits.push_back(std::move(request.header.splits));
  }
  verdict.lastRank = in.get<int32_t>();
  verdict.hostRank = in.get<int32_t>();
  verdict.request.reset();
  if (in.get<uint8_t>() != 0 && !decode(in, verdict.request.emplace())) return false;
  verdict.number = in.get<uint32_t>();
  verdict.forgotten = in.get<uint32_t>();
  return in.done() && (verdict.splits.empty() || verdict.splits.size() == ranks);
}

void encode(const Terms& terms, ByteWriter& out) {
  out.put(static_cast<uint64_t>(terms.timeout.count()));
  encode(terms.objection, out);
}

bool decode(ByteReader& in, Terms& terms) {
  terms.timeout = std::chrono::milliseconds(in.get<uint64_t>() & INT32_MAX);
  return decode(in, terms.objection);
}

void encode(const std::vector<uint32_t>& numbers, ByteWriter& out) {
  for (const uint32_t number : numbers) out.put(number);
}

bool decode(ByteReader& in, std::vector<uint32_t>& numbers) {
  if (in.left() == 0 || in.left() % sizeof(uint32_t) != 0) return false;
  numbers.resize(in.left() / sizeof(uint32_t));
  for (uint32_t& number : numbers) number = in.get<uint32_t>();
  return true;
}

void encode(const std::vector<std::string>& names, ByteWriter& out) {
  out.put(static_cast<uint32_t>(names.size()));
  for (const std::string& name : names) out.putString(name);
}

bool decode(ByteReader& in, std::vector<std::string>& names) {
  const auto count = in.get<uint32_t>();
  if (count > in.left()) return false;
  names.clear();
  for (uint32_t i = 0; i < count; ++i) names.push_back(in.string());
  return in.ok();
}

}  // namespace tsring
