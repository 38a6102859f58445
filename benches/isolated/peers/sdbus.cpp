// A peer: sd-bus, two processes and a socket between them, no broker. It has no message for a cancel.

#include "peers.hpp"

#include <sys/socket.h>
#include <systemd/sd-bus.h>

namespace bench {

namespace {

constexpr const char *PATH = "/bench";
constexpr const char *INTERFACE = "libcall.Bench";
constexpr const char *METHOD = "Call";

void must(int result, const char *what) {
    if (result < 0) {
        fail(std::string("sd-bus: ") + what + ": " + std::to_string(result));
    }
}

int on_call(sd_bus_message *request, void *, sd_bus_error *) {
    std::uint32_t work;
    const void *in;
    std::size_t length;
    sd_bus_message *reply = nullptr;
    void *out;
    must(sd_bus_message_read(request, "u", &work), "read");
    must(sd_bus_message_read_array(request, 'y', &in, &length), "read_array");
    must(sd_bus_message_new_method_return(request, &reply), "new_method_return");
    must(sd_bus_message_append_array_space(reply, 'y', length, &out), "append_array_space");
    answer(Work{work}, in, out, length);
    must(sd_bus_send(nullptr, reply, nullptr), "send");
    sd_bus_message_unref(reply);
    return 1;
}

const sd_bus_vtable METHODS[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD(METHOD, "uay", "ay", on_call, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

// One end of the connection.
sd_bus *open_bus(int socket, bool is_server) {
    sd_bus *bus = nullptr;
    must(sd_bus_new(&bus), "new");
    must(sd_bus_set_fd(bus, socket, socket), "set_fd");
    must(sd_bus_set_anonymous(bus, 1), "set_anonymous");
    if (is_server) {
        sd_id128_t id;
        must(sd_id128_randomize(&id), "randomize");
        must(sd_bus_set_server(bus, 1, id), "set_server");
    }
    must(sd_bus_start(bus), "start");
    return bus;
}

// Does what there is to do, or waits for it.
void turn(sd_bus *bus) {
    const int done = sd_bus_process(bus, nullptr);
    must(done, "process");
    if (done == 0) {
        must(sd_bus_wait(bus, UINT64_MAX), "wait");
    }
}

struct Pair {
    int ends[2];
    Pair() {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
            fail("socketpair");
        }
    }
};

class SdBus {
public:
    struct Call {
        Words out;
        bool is_complete;
    };

    SdBus() : server_([this](Board &board) { serve(board); }), bus_(open_bus(pair_.ends[0], false)) {}
    ~SdBus() { sd_bus_close_unref(bus_); }
    SdBus(const SdBus &) = delete;
    SdBus &operator=(const SdBus &) = delete;

    static double busy_ns(const Words &out) { return busy_of(out); }
    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.is_complete = false;
        sd_bus_message *request = make(work, in.data(), sizeof in);
        must(sd_bus_call_async(bus_, nullptr, request, on_reply, &call, UINT64_MAX), "call_async");
        sd_bus_message_unref(request);
    }
    void finish(Call &call, Words &out) {
        while (!call.is_complete) {
            turn(bus_);
        }
        out = call.out;
    }
    void call(Work work, const Words &in, Words &out) {
        blocking(work, in.data(), sizeof in, [&](const void *bytes, std::size_t length) { take(bytes, length, out); });
    }
    template <class Check> void bulk(const std::vector<std::uint64_t> &in, Check check) {
        blocking(BULK, in.data(), BULK_BYTES, check);
    }

private:
    [[noreturn]] void serve(Board &board) {
        sd_bus *bus = open_bus(pair_.ends[1], true);
        must(sd_bus_add_object_vtable(bus, nullptr, PATH, INTERFACE, METHODS, nullptr), "add_object_vtable");
        board.is_ready = true;
        for (;;) {
            turn(bus);
        }
    }
    sd_bus_message *make(Work work, const void *bytes, std::size_t length) {
        sd_bus_message *request = nullptr;
        must(sd_bus_message_new_method_call(bus_, &request, nullptr, PATH, INTERFACE, METHOD), "new_method_call");
        must(sd_bus_message_append(request, "u", static_cast<std::uint32_t>(work)), "append");
        must(sd_bus_message_append_array(request, 'y', bytes, length), "append_array");
        return request;
    }
    static void take(const void *bytes, std::size_t length, Words &out) {
        if (length != sizeof out) {
            fail("a call of sd-bus gave too little");
        }
        std::memcpy(out.data(), bytes, sizeof out);
    }
    static int on_reply(sd_bus_message *reply, void *data, sd_bus_error *) {
        Call &call = *static_cast<Call *>(data);
        const void *bytes;
        std::size_t length;
        must(sd_bus_message_read_array(reply, 'y', &bytes, &length), "read_array");
        take(bytes, length, call.out);
        call.is_complete = true;
        return 1;
    }
    template <class Use> void blocking(Work work, const void *in, std::size_t in_length, Use use) {
        sd_bus_message *request = make(work, in, in_length);
        sd_bus_message *reply = nullptr;
        const void *bytes;
        std::size_t length;
        must(sd_bus_call(bus_, request, UINT64_MAX, nullptr, &reply), "call");
        must(sd_bus_message_read_array(reply, 'y', &bytes, &length), "read_array");
        use(bytes, length);
        sd_bus_message_unref(reply);
        sd_bus_message_unref(request);
    }

    Pair pair_;
    Server server_;
    sd_bus *bus_;
};

} // namespace

void add_sdbus(std::vector<Job> &all) { add_contender<OneByOne<SdBus>, SdBus>(all, "sdbus"); }

} // namespace bench
