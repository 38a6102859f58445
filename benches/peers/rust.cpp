// Peers in Rust: benches/peers-rust has them, behind a table of functions each.

#include "peers.hpp"

namespace bench {

// As in benches/peers-rust/src/lib.rs.
struct Table {
    std::size_t call_size;
    std::size_t call_align;
    void *(*create_pool)(std::size_t workers);
    void (*begin)(const void *pool, void *call, std::uint32_t work, const Words *in);
    bool (*finish)(void *call, Words *out);
    void (*cancel)(const void *call);
    void (*create_and_destroy)();
};

extern "C" {
extern const Table *const bench_tokio_spawn;
extern const Table *const bench_tokio_blocking;
extern const Table *const bench_rayon;
extern const Table *const bench_crossbeam;

// What the bodies there need of here.
void bench_perform(std::uint32_t work, const Words *in, Words *out) { perform(static_cast<Work>(work), *in, *out); }
void bench_is_running() {
    arrive();
    stage.is_running.store(true, std::memory_order_release);
}
void bench_has_seen() { stage.seen.store(stamp(), std::memory_order_release); }
std::size_t bench_looks() { return looks_a_loop(); }
std::uint64_t bench_stamp() { return stamp(); }
void bench_looked(std::uint64_t from) { looked(from); }
}

namespace {

static_assert(static_cast<int>(Work::Poll) == 4 && static_cast<int>(Work::Look) == 5, "as in peers-rust/src/body.rs");

template <const Table *const &TABLE, std::size_t SIZE> class Pool {
public:
    // What a Rust program would have as a variable.
    struct Call {
        alignas(8) std::array<unsigned char, SIZE> bytes;
    };

    explicit Pool(unsigned workers = 1) : pool_(TABLE->create_pool(workers)) {
        if (TABLE->call_size != SIZE || TABLE->call_align > 8) {
            fail("a call of a Rust peer has " + std::to_string(TABLE->call_size) + " bytes");
        }
    }

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        TABLE->begin(pool_, call.bytes.data(), static_cast<std::uint32_t>(work), &in);
    }
    void finish(Call &call, Words &out) {
        if (!TABLE->finish(call.bytes.data(), &out)) {
            fail("a call of a Rust peer was lost");
        }
    }
    void create_and_destroy() { TABLE->create_and_destroy(); }

protected:
    void *pool_;
};

template <const Table *const &TABLE, std::size_t SIZE> class CancelablePool : public Pool<TABLE, SIZE> {
public:
    using Pool<TABLE, SIZE>::Pool;
    using Call = typename Pool<TABLE, SIZE>::Call;
    void cancel(Call &call) { TABLE->cancel(call.bytes.data()); }
    bool finish_canceled(Call &call) {
        Words out;
        return !TABLE->finish(call.bytes.data(), &out);
    }
};

} // namespace

void add_rust(std::vector<Job> &all) {
    add_contender<CancelablePool<bench_tokio_spawn, 16>>(all, "tokio_spawn");
    add_contender<CancelablePool<bench_tokio_blocking, 24>>(all, "tokio_blocking");
    add_contender<Pool<bench_rayon, 16>>(all, "rayon");
    add_contender<Pool<bench_crossbeam, 8>>(all, "crossbeam");
}

} // namespace bench
