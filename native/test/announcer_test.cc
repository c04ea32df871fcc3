#include "engine/announcer.h"

#include "test/helpers/ring_of_sessions.h"
#include "test/helpers/status_checks.h"

namespace tsring {
namespace {

/// An announcer of which all is known: what it has let go, and how much of that is under way.
struct Announced {
  std::string order;  // names, of one letter each
  size_t underWay = 0;
  Announcer announcer{0,
                      1 << 20,
                      {[](FrameType /*type*/, const Bytes& /*payload*/) {},
                       [this](const Verdict& verdict) {
                         order += verdict.name;
                         underWay += verdict.status.ok();
                       },
                       [](const std::string& /*name*/) { return false; }, [this] { return underWay; }}};

  void add(std::string name, int32_t priority, const Status& status = Status::okay(), int32_t lastRank = -1) {
    Verdict verdict{std::move(name), status, {}};
    verdict.priority = priority;
    verdict.lastRank = lastRank;
    announcer.add(std::move(verdict));
  }
  std::string released() {
    announcer.release();
    return std::exchange(order, {});
  }
};

TEST(Announcer, LetsGoAllAtOnceInTheirOrderWhereNothingHasAPriority) {
  Announced announced;
  for (const char* name : {"a", "b", "c", "d"}) announced.add(name, 0);
  EXPECT_EQ(announced.released(), "abcd");
}

TEST(Announcer, LetsGoTheLargestFirstAndNoMoreThanThereIsWorkFor) {
  Announced announced;
  announced.add("a", -1);
  announced.add("b", 0);
  announced.add("c", 5);
  announced.add("d", 5);
  EXPECT_EQ(announced.released(), "cd");
  EXPECT_EQ(announced.released(), "");
  EXPECT_TRUE(announced.announcer.waits());
  announced.add("e", 7);  // overtakes what waits
  announced.add("f", 0);  // and this does not
  EXPECT_EQ(announced.released(), "");
  announced.underWay = 1;
  EXPECT_EQ(announced.released(), "e");
  announced.underWay = 0;
  EXPECT_EQ(announced.released(), "bf");
  announced.underWay = 1;
  EXPECT_EQ(announced.released(), "a");
  EXPECT_FALSE(announced.announcer.waits());
}

TEST(Announcer, HasAllWaitForTheirTurnOnceThereWasAPriority) {
  Announced announced;
  announced.add("a", 1);
  EXPECT_EQ(announced.released(), "a");
  announced.underWay = 1;
  for (const char* name : {"b", "c", "d"}) announced.add(name, 0);
  EXPECT_EQ(announced.released(), "b");
  announced.add("e", 1);
  announced.underWay = 0;
  EXPECT_EQ(announced.released(), "ec");
}

TEST(Announcer, HoldsBackNoRefusalAndNoJoinGoesBeforeWhatCameBeforeIt) {
  Announced announced;
  announced.underWay = Announcer::kAhead;
  announced.add("a", -3);
  announced.add("j", 0, Status::okay(), 1);
  announced.add("x", -9, Status(StatusCode::kMismatch, "so"));
  EXPECT_EQ(announced.released(), "x");
  announced.underWay = 0;
  EXPECT_EQ(announced.released(), "aj");
}

TEST(Announcer, LetsGoOfEverythingWhenToldTo) {
  Announced announced;
  announced.underWay = 100;
  for (const char* name : {"a", "b", "c"}) announced.add(name, 1);
  announced.announcer.releaseAll();
  EXPECT_EQ(announced.order, "abc");
}

/// Rank 0's thread that carries operations out, held at the end of one.
class Held {
 public:
  explicit Held(const std::shared_ptr<Ticket>& ticket) {
    ticket->onSettled([this] {
      MutexLock lock(mutex_);
      changed_.waitUntil(mutex_, soon(), [this] { return letGo_; });
    });
  }
  ~Held() { letGo(); }
  void letGo() {
    MutexLock lock(mutex_);
    letGo_ = true;
    changed_.notifyAll();
  }

 private:
  Mutex mutex_;
  Condition changed_;
  bool letGo_ GUARDED_BY(mutex_) = false;
};

/// The tickets of operations in the order in which they were carried out.
class Order {
 public:
  void watch(const std::shared_ptr<Ticket>& ticket) {
    ticket->onSettled([this, name = ticket->header.name] {
      MutexLock lock(mutex_);
      names_ += name;
      changed_.notifyAll();
    });
  }
  /// Once so many are done. (Whoever waits for a ticket hears of its end before its watcher does.)
  std::string names(size_t count) {
    MutexLock lock(mutex_);
    changed_.waitUntil(mutex_, soon(), [&] { return names_.size() >= count; });
    return names_;
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::string names_ GUARDED_BY(mutex_);
};

std::shared_ptr<Ticket> ask(Session& session, const std::string& name, int32_t priority, int timeoutMs = 0) {
  RequestHeader header = headerOf(OperationKind::kBarrier, name);
  header.priority = priority;
  header.timeout = milliseconds(timeoutMs);
  auto ticket = session.open(header);
  EXPECT_TRUE(isOk(session.submit(ticket, {}, {})));
  return ticket;
}

class PrioritiesOf : public testing::TestWithParam<int> {};

TEST_P(PrioritiesOf, AreKeptAlikeOnAllRanks) {
  const int size = GetParam();
  const RingOfSessions ring(size);
  // Of rank 0 the thread that carries out is held, and as many operations are under way as are let go ahead of time.
  std::vector<std::shared_ptr<Ticket>> tickets{ask(ring[0], "first", 0), ask(ring[0], "second", 0)};
  Held held(tickets.front());
  for (int rank = 1; rank < size; ++rank) {
    tickets.push_back(ask(ring[rank], "first", 0));
    tickets.push_back(ask(ring[rank], "second", 0));
  }
  EXPECT_TRUE(isOk(tickets.back()->wait(soon()).status));
  std::vector<Order> orders(static_cast<size_t>(size));
  const std::vector<std::pair<std::string, int32_t>> waiting{{"a", 1}, {"b", -2}, {"c", 3}, {"d", 1}, {"e", 0}};
  for (const auto& [name, priority] : waiting) {
    for (int rank = 0; rank < size; ++rank) {
      // Only rank 0's counts.
      tickets.push_back(ask(ring[rank], name, rank == 0 ? priority : -priority));
      orders[static_cast<size_t>(rank)].watch(tickets.back());
    }
  }
  // Rank 0 has heard of all that a rank asked for before, once it has given up what only that rank asks for.
  for (int rank = 0; rank < size; ++rank) {
    const auto late = ask(ring[rank], "late of " + std::to_string(rank), 0, 1);
    EXPECT_EQ(late->wait(soon()).status.code(), StatusCode::kTimeout);
  }
  held.letGo();
  for (const auto& ticket : tickets) EXPECT_TRUE(isOk(ticket->wait(soon()).status));
  for (Order& order : orders) EXPECT_EQ(order.names(waiting.size()), "cadeb");
  for (const auto& ticket : tickets) TicketTable::process().close(ticket->id);
}

INSTANTIATE_TEST_SUITE_P(Rings, PrioritiesOf, testing::Values(2, 3), testing::PrintToStringParamName());

}  // namespace
}  // namespace tsring
