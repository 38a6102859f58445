// A peer: NNG's aio, which a provider begins, may cancel and finishes. The provider, a queue and its
// threads, is what a program with NNG writes itself.

#include "peers.hpp"

#include <nng/nng.h>
#include <thread>

namespace bench {

namespace {

class Provider {
public:
    struct Call {
        nng_aio *aio = nullptr;
        Provider *provider = nullptr;
        Call *next = nullptr;
        Call *previous = nullptr;
        std::atomic<bool> is_canceled{false};
        bool is_queued = false;
        Work work{};
        Words in{};
        Words out{};

        Call() {
            if (nng_aio_alloc(&aio, nullptr, nullptr) != 0) {
                fail("nng_aio_alloc");
            }
        }
        ~Call() { nng_aio_free(aio); }
        Call(const Call &) = delete;
        Call &operator=(const Call &) = delete;
    };

    explicit Provider(unsigned workers = 1) {
        for (unsigned i = 0; i < workers; i++) {
            workers_.emplace_back([this] { serve(); });
        }
    }
    ~Provider() {
        {
            const std::lock_guard<std::mutex> held(mutex_);
            is_over_ = true;
        }
        changed_.notify_all();
        for (std::thread &worker : workers_) {
            worker.join();
        }
    }
    Provider(const Provider &) = delete;
    Provider &operator=(const Provider &) = delete;

    void prepare(Call &call) { call.provider = this; }
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        call.is_canceled.store(false, std::memory_order_relaxed);
        if (!nng_aio_begin(call.aio)) {
            fail("nng_aio_begin");
        }
        {
            const std::lock_guard<std::mutex> held(mutex_);
            append(call);
            nng_aio_defer(call.aio, canceled, &call);
        }
        changed_.notify_one();
    }
    void finish(Call &call, Words &out) {
        nng_aio_wait(call.aio);
        if (nng_aio_result(call.aio) != 0) {
            fail("a call of NNG failed");
        }
        out = *static_cast<Words *>(nng_aio_get_output(call.aio, 0));
    }
    void cancel(Call &call) { nng_aio_cancel(call.aio); }
    bool finish_canceled(Call &call) {
        nng_aio_wait(call.aio);
        return nng_aio_result(call.aio) == NNG_ECANCELED;
    }
    void create_and_destroy() {
        auto *call = new Call;
        keep(call);
        delete call;
    }

private:
    void append(Call &call) {
        call.is_queued = true;
        call.next = nullptr;
        call.previous = last_;
        (last_ != nullptr ? last_->next : first_) = &call;
        last_ = &call;
    }
    void take_out(Call &call) {
        call.is_queued = false;
        (call.previous != nullptr ? call.previous->next : first_) = call.next;
        (call.next != nullptr ? call.next->previous : last_) = call.previous;
    }
    static void canceled(nng_aio *aio, void *data, int error) {
        Call &call = *static_cast<Call *>(data);
        {
            const std::lock_guard<std::mutex> held(call.provider->mutex_);
            if (!call.is_queued) {
                call.is_canceled.store(true, std::memory_order_relaxed);
                return;
            }
            call.provider->take_out(call);
        }
        nng_aio_finish(aio, error);
    }
    // None: it is over.
    Call *next() {
        std::unique_lock<std::mutex> held(mutex_);
        changed_.wait(held, [this] { return is_over_ || first_ != nullptr; });
        Call *call = first_;
        if (call != nullptr) {
            take_out(*call);
        }
        return call;
    }
    void serve() {
        while (Call *taken = next()) {
            Call &call = *taken;
            perform(call.work, call.in, call.out, [&] { return call.is_canceled.load(std::memory_order_relaxed); });
            nng_aio_set_output(call.aio, 0, &call.out);
            nng_aio_finish(call.aio, call.is_canceled.load(std::memory_order_relaxed) ? NNG_ECANCELED : 0);
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    Call *first_ = nullptr;
    Call *last_ = nullptr;
    bool is_over_ = false;
    std::vector<std::thread> workers_;
};

} // namespace

void add_nng(std::vector<Job> &all) { add_contender<Provider>(all, "nng_aio"); }

} // namespace bench
