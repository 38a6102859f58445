// A peer: Cap'n Proto's RPC over a unix socket. A cancel drops the server's promise, in its event loop.

#include "peers.hpp"

#include "peer.capnp.h"

#include <capnp/ez-rpc.h>
#include <kj/async-io.h>
#include <optional>

namespace bench {

namespace {

class Service final : public wire::Peer::Server {
public:
    explicit Service(Board &board) : board_(board) {}
    kj::Promise<void> call(CallContext context) override {
        const auto given = context.getParams();
        const auto in = given.getData();
        auto out = context.getResults().initData(static_cast<unsigned>(in.size()));
        answer(Work{given.getWork()}, in.begin(), out.begin(), in.size());
        return kj::READY_NOW;
    }
    kj::Promise<void> sleep(SleepContext context) override {
        context.allowCancellation();
        board_.is_running = true;
        return kj::Promise<void>(kj::NEVER_DONE).attach(kj::defer([this] { board_.seen = stamp(); }));
    }

private:
    Board &board_;
};

[[noreturn]] void serve(Board &board, const std::string &name) {
    capnp::EzRpcServer server(kj::heap<Service>(board), name.c_str());
    kj::WaitScope &scope = server.getWaitScope();
    server.getPort().wait(scope);
    board.is_ready = true;
    kj::NEVER_DONE.wait(scope);
}

class Capnp {
public:
    using Promise = capnp::RemotePromise<wire::Peer::CallResults>;
    struct Call {
        std::optional<Promise> promise;
        std::optional<capnp::RemotePromise<wire::Peer::SleepResults>> sleep;
    };

    Capnp()
        : name_(socket_name()), server_([this](Board &board) { serve(board, name_); }), client_(name_.c_str()),
          scope_(client_.getWaitScope()), peer_(client_.getMain<wire::Peer>()) {}

    static double busy_ns(const Words &out) { return busy_of(out); }
    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) { call.promise.emplace(send(work, in.data(), sizeof in)); }
    void finish(Call &call, Words &out) {
        const auto reply = call.promise->wait(scope_);
        const auto bytes = reply.getData();
        if (bytes.size() != sizeof out) {
            fail("a call of Cap'n Proto gave too little");
        }
        std::memcpy(out.data(), bytes.begin(), sizeof out);
    }
    template <class Check> void bulk(const std::vector<std::uint64_t> &in, Check check) {
        const auto reply = send(BULK, in.data(), BULK_BYTES).wait(scope_);
        check(reply.getData().begin(), reply.getData().size());
    }
    void begin_waiting(Call &call, Work) {
        server_.board().reset();
        call.sleep.emplace(peer_.sleepRequest().send());
        while (!server_.board().is_running) {
            turn();
        }
    }
    void cancel(Call &call) {
        call.sleep.reset();
        scope_.poll();
    }
    std::uint64_t seen(Call &) {
        const Board &board = server_.board();
        while (board.seen == 0) {
            turn();
        }
        return board.seen;
    }

private:
    Promise send(Work work, const void *bytes, std::size_t length) {
        auto request = peer_.callRequest();
        request.setWork(static_cast<std::uint32_t>(work));
        request.setData(kj::ArrayPtr<const kj::byte>(static_cast<const kj::byte *>(bytes), length));
        return request.send();
    }
    // What the event loop has to do, and a short sleep.
    void turn() { client_.getIoProvider().getTimer().afterDelay(50 * kj::MICROSECONDS).wait(scope_); }

    std::string name_;
    Server server_;
    capnp::EzRpcClient client_;
    kj::WaitScope &scope_;
    wire::Peer::Client peer_;
};

} // namespace

void add_capnp(std::vector<Job> &all) {
    add_contender<Capnp>(all, "capnp");
    add_cancel<Capnp, SLEEP>(all, "capnp");
}

} // namespace bench
