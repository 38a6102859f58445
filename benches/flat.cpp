#include "flat.hpp"

#include "costs.hpp"
#include "library.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace bench {

namespace {

constexpr std::size_t MILLION = 1'000'000;

// Bytes that can be had without swapping.
double available() {
    std::ifstream file("/proc/meminfo");
    std::string name;
    double kib;
    for (std::string unit; file >> name >> kib && std::getline(file, unit);) {
        if (name == "MemAvailable:") {
            return kib * 1024;
        }
    }
    return 0;
}

class Flat {
public:
    Flat(Library &library, std::size_t count) : library_(library), blockers_(library, 0), calls_(count) {}

    // The first time: the memory of all of them comes into being.
    void measure_memory(Figures &figures) {
        const double before = resident();
        block();
        const std::uint64_t from = stamp();
        for (Library::Call &call : calls_) {
            library_.prepare(call);
            library_.begin(call, Work::Count, Words{});
        }
        figures.put("create", each(from));
        figures.put("pending", (resident() - before) / size());
        open();
        figures.put("complete", (resident() - before) / size());
        finish();
    }

    void measure_time(Figures &figures) {
        std::vector<double> begins, serves, finishes;
        for (std::size_t done = 0; done < 100'000; done += calls_.size()) {
            block();
            begins.push_back(begin());
            serves.push_back(open());
            finishes.push_back(finish());
        }
        figures.put("begin", median(begins));
        figures.put("serve", median(serves));
        figures.put("finish", median(finishes));
    }

    void measure_cancels(Figures &figures) {
        block();
        begin();
        // Spread over the queue.
        const std::size_t count = std::min<std::size_t>(calls_.size(), 1'000);
        std::vector<call_cancel_t> cancels(count);
        const std::size_t step = calls_.size() / count;
        for (std::size_t i = 0; i < count; i++) {
            must(call_query_cancel(calls_[i * step].handle, &cancels[i]), "call_query_cancel");
        }
        const std::uint64_t from = stamp();
        for (const call_cancel_t cancel : cancels) {
            must(call_request_cancel(cancel, 0), "call_request_cancel");
        }
        figures.put("cancel", nanoseconds(from, stamp()) / static_cast<double>(count));
        blockers_.open();
        for (std::size_t i = 0; i < calls_.size(); i++) {
            library_.finish_with(calls_[i], i % step == 0 && i / step < count ? RPC_E_CALL_CANCELED : S_OK);
        }
        blockers_.finish();
        if (stage.counted.load() != calls_.size() - count) {
            fail("of calls that were canceled while they waited, some have run");
        }
        for (const call_cancel_t cancel : cancels) {
            call_cancel_release(cancel);
        }
    }

private:
    double size() const { return static_cast<double>(calls_.size()); }
    double each(std::uint64_t from) const { return nanoseconds(from, stamp()) / size(); }
    void block() {
        stage.reset();
        blockers_.block();
    }
    double begin() {
        const std::uint64_t from = stamp();
        for (Library::Call &call : calls_) {
            library_.begin(call, Work::Count, Words{});
        }
        return each(from);
    }
    double open() {
        const std::uint64_t from = stamp();
        blockers_.open();
        stage.await_counted(calls_.size());
        const double served = each(from);
        stay_busy(SETTLE_NS);
        return served;
    }
    double finish() {
        const std::uint64_t from = stamp();
        Words out;
        std::uint64_t sum = 0;
        for (Library::Call &call : calls_) {
            library_.finish(call, out);
            sum += out.back();
        }
        const double finished = each(from);
        if (sum != calls_.size()) {
            fail("of many calls one gave a wrong result");
        }
        blockers_.finish();
        return finished;
    }

    Library &library_;
    Blockers<Library> blockers_;
    std::vector<Library::Call> calls_;
};

template <std::size_t COUNT> void flat(Figures &figures) {
    // Far from where the machine would begin to swap.
    constexpr double BYTES_EACH = 600;
    if (available() < COUNT * BYTES_EACH) {
        figures.put("too_little_memory", 1);
        return;
    }
    place(Placement::TwoCpus);
    Library library;
    Flat calls(library, COUNT);
    calls.measure_memory(figures);
    calls.measure_time(figures);
    calls.measure_cancels(figures);
}

constexpr void (*FLAT[])(Figures &) = {flat<1'000>, flat<10'000>, flat<100'000>, flat<MILLION>, flat<10 * MILLION>};

// A call in an apartment, so that its threads have been started, and its cancel interface, so that the
// timer's thread has.
void use(call_apartment_t apartment, bool is_pumped) {
    Library library(apartment);
    Library::Call call;
    Words out;
    call_cancel_t cancel;
    library.prepare(call);
    must(call_query_cancel(call.handle, &cancel), "call_query_cancel");
    library.begin(call, Work::Add, Words{});
    if (is_pumped) {
        must(call_apartment_pump(apartment, 0, nullptr), "call_apartment_pump");
    }
    library.finish(call, out);
    check(Words{}, out);
    call_cancel_release(cancel);
}

// What the threads but this one have done: processor time, and how often they were given a CPU.
struct Run {
    double ns = 0;
    double times = 0;
};

Run of_others() {
    Run sum;
    for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
        if (task.path().filename() != std::to_string(gettid())) {
            std::ifstream file(task.path() / "schedstat");
            double ran, waited, times;
            if (!(file >> ran >> waited >> times)) {
                fail("/proc/self/task/.../schedstat");
            }
            sum.ns += ran;
            sum.times += times;
        }
    }
    return sum;
}

} // namespace

const std::vector<Depth> &depths() {
    static const std::vector<Depth> all{{1'000, "libcall/flat_1e3"},
                                        {10'000, "libcall/flat_1e4"},
                                        {100'000, "libcall/flat_1e5"},
                                        {MILLION, "libcall/flat_1e6"},
                                        {10 * MILLION, "libcall/flat_1e7"}};
    return all;
}

void add_flat(std::vector<Job> &all) {
    for (std::size_t i = 0; i < depths().size(); i++) {
        const Depth &depth = depths()[i];
        if (depth.pending > MILLION && effort.divisor > 1) {
            continue;
        }
        const unsigned rounds = depth.pending > MILLION ? ONE_ROUND : depth.pending == MILLION ? FEW_ROUNDS : ~0u;
        all.push_back({depth.job, FLAT[i], {}, true, false, rounds});
    }
}

void idle(Figures &figures) {
    constexpr std::size_t SECONDS = 10;
    call_apartment_t apartments[3];
    for (std::uint32_t kind : {CALL_APARTMENT_MULTI, CALL_APARTMENT_SINGLE, CALL_APARTMENT_SERIAL}) {
        call_apartment_options_t options{};
        options.size = sizeof options;
        options.kind = kind;
        must(call_apartment_create(&options, &apartments[kind]), "call_apartment_create");
        use(apartments[kind], kind == CALL_APARTMENT_SINGLE);
    }
    // And the one of the process.
    use(call_apartment_t{0}, false);
    stay_busy(100e6);
    const Run from = of_others();
    const timespec span{static_cast<time_t>(effort.samples(SECONDS)), 0};
    nanosleep(&span, nullptr);
    const Run to = of_others();
    figures.put("idle", to.ns - from.ns);
    figures.put("idle_runs", to.times - from.times);
}

} // namespace bench
