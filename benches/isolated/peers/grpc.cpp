// A peer: gRPC in C++ over a unix socket. One call at a time by its synchronous stub, many by a completion
// queue; the server answers by callback, and looks for a cancel in a synchronous method.

#include "peers.hpp"

#include "peer.grpc.pb.h"

#include <grpcpp/grpcpp.h>
#include <optional>
#include <thread>

namespace bench {

namespace {

using wire::Note;

void fill(Note &note, Work work, const void *bytes, std::size_t length) {
    note.set_work(static_cast<std::uint32_t>(work));
    note.set_data(bytes, length);
}

class Sleeper : public grpc::ServerUnaryReactor {
public:
    explicit Sleeper(Board &board) : board_(board) { board.is_running = true; }
    void OnCancel() override {
        board_.seen = stamp();
        Finish(grpc::Status::CANCELLED);
    }
    void OnDone() override { delete this; }

private:
    Board &board_;
};

class Service : public wire::Peer::WithCallbackMethod_Call<wire::Peer::WithCallbackMethod_Sleep<wire::Peer::Service>> {
public:
    explicit Service(Board &board) : board_(board) {}
    grpc::ServerUnaryReactor *Call(grpc::CallbackServerContext *context, const Note *in, Note *out) override {
        if (in->data().size() == sizeof(Words)) {
            Words result;
            answer(Work{in->work()}, in->data().data(), result.data(), sizeof result);
            out->set_data(result.data(), sizeof result);
        } else {
            out->set_data(in->data());
        }
        grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
    grpc::ServerUnaryReactor *Sleep(grpc::CallbackServerContext *, const Note *, Note *) override {
        return new Sleeper(board_);
    }
    grpc::Status Poll(grpc::ServerContext *context, const Note *, Note *) override {
        board_.is_running = true;
        while (!context->IsCancelled()) {
            // The threads that hear of the cancel need the CPU too.
            std::this_thread::yield();
        }
        board_.seen = stamp();
        return grpc::Status::CANCELLED;
    }

private:
    Board &board_;
};

[[noreturn]] void serve(Board &board, const std::string &name) {
    Service service(board);
    grpc::ServerBuilder builder;
    builder.AddListeningPort(name, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server) {
        fail("the gRPC server does not start");
    }
    board.is_ready = true;
    server->Wait();
    fail("the gRPC server has ended");
}

class Grpc {
public:
    struct Call {
        std::optional<grpc::ClientContext> context;
        std::unique_ptr<grpc::ClientAsyncResponseReader<Note>> reader;
        grpc::Status status;
        Note in, out;
        bool is_complete = false;
    };

    // The server's process comes first: gRPC has threads then.
    Grpc()
        : name_(socket_name()), server_([this](Board &board) { serve(board, name_); }),
          stub_(wire::Peer::NewStub(grpc::CreateChannel(name_, grpc::InsecureChannelCredentials()))) {
        // Connects.
        Words out;
        call(Work::Add, Words{}, out);
    }

    static double busy_ns(const Words &out) { return busy_of(out); }
    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.context.emplace();
        call.is_complete = false;
        fill(call.in, work, in.data(), sizeof in);
        call.reader = work == Work::Poll ? stub_->AsyncPoll(&*call.context, call.in, &queue_)
                      : work == SLEEP    ? stub_->AsyncSleep(&*call.context, call.in, &queue_)
                                         : stub_->AsyncCall(&*call.context, call.in, &queue_);
        call.reader->Finish(&call.out, &call.status, &call);
    }
    void finish(Call &call, Words &out) {
        await(call);
        take(call.status, call.out, out);
    }
    void call(Work work, const Words &in, Words &out) {
        grpc::ClientContext context;
        Note request;
        Note reply;
        fill(request, work, in.data(), sizeof in);
        take(stub_->Call(&context, request, &reply), reply, out);
    }
    template <class Check> void bulk(const std::vector<std::uint64_t> &in, Check check) {
        grpc::ClientContext context;
        Note request;
        Note reply;
        fill(request, BULK, in.data(), BULK_BYTES);
        if (!stub_->Call(&context, request, &reply).ok()) {
            fail("a large call of gRPC failed");
        }
        check(reply.data().data(), reply.data().size());
    }
    void begin_waiting(Call &call, Work work) {
        server_.board().reset();
        begin(call, work, Words{});
        server_.board().await_running();
    }
    void cancel(Call &call) { call.context->TryCancel(); }
    std::uint64_t seen(Call &call) {
        const std::uint64_t at = server_.board().await_seen();
        await(call);
        if (call.status.error_code() != grpc::StatusCode::CANCELLED) {
            fail("a canceled call of gRPC: " + call.status.error_message());
        }
        return at;
    }

private:
    void await(const Call &call) {
        while (!call.is_complete) {
            void *tag;
            bool is_good;
            if (!queue_.Next(&tag, &is_good) || !is_good) {
                fail("the completion queue of gRPC");
            }
            static_cast<Call *>(tag)->is_complete = true;
        }
    }
    static void take(const grpc::Status &status, const Note &reply, Words &out) {
        if (!status.ok() || reply.data().size() != sizeof out) {
            fail("a call of gRPC failed: " + status.error_message());
        }
        std::memcpy(out.data(), reply.data().data(), sizeof out);
    }

    std::string name_;
    Server server_;
    std::unique_ptr<wire::Peer::Stub> stub_;
    grpc::CompletionQueue queue_;
};

} // namespace

void add_grpc(std::vector<Job> &all) {
    add_contender<OneByOne<Grpc>, Grpc>(all, "grpc");
    add_cancel<Grpc, Work::Poll>(all, "grpc");
    add_cancel<Grpc, SLEEP>(all, "grpc");
}

} // namespace bench
