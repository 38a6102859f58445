// A peer: libuv's thread pool. The event loop belongs to the caller, who turns it to finish a call.

#include "peers.hpp"

#include <cstdlib>
#include <uv.h>

namespace bench {

namespace {

class UvPool {
public:
    static constexpr bool REACHES_RUNNING = false;
    static constexpr bool HAS_ONE_CLIENT = true;

    struct Call {
        uv_work_t request;
        Work work;
        Words in;
        Words out;
        bool is_complete;
        bool is_canceled;
    };

    explicit UvPool(unsigned = 1) {
        // Read by libuv when its pool is first used.
        if (setenv("UV_THREADPOOL_SIZE", "1", 1) != 0 || uv_loop_init(&loop_) != 0) {
            fail("libuv does not start");
        }
    }
    UvPool(const UvPool &) = delete;
    UvPool &operator=(const UvPool &) = delete;

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        call.is_complete = false;
        call.request.data = &call;
        if (uv_queue_work(&loop_, &call.request, run, completed) != 0) {
            fail("uv_queue_work");
        }
    }
    void finish(Call &call, Words &out) {
        await(call);
        out = call.out;
    }
    void cancel(Call &call) { uv_cancel(reinterpret_cast<uv_req_t *>(&call.request)); }
    bool finish_canceled(Call &call) {
        await(call);
        return call.is_canceled;
    }
    // Its memory is the caller's: libuv makes nothing.
    void create_and_destroy() {
        void *call = std::malloc(sizeof(Call));
        keep(call);
        std::free(call);
    }

private:
    static Call &of(uv_work_t *request) { return *static_cast<Call *>(request->data); }
    static void run(uv_work_t *request) {
        Call &call = of(request);
        perform(call.work, call.in, call.out);
    }
    static void completed(uv_work_t *request, int status) {
        if (status != 0 && status != UV_ECANCELED) {
            fail("a call of libuv failed");
        }
        of(request).is_complete = true;
        of(request).is_canceled = status != 0;
    }
    void await(const Call &call) {
        while (!call.is_complete) {
            uv_run(&loop_, UV_RUN_ONCE);
        }
    }

    uv_loop_t loop_;
};

} // namespace

void add_uv(std::vector<Job> &all) { add_contender<UvPool>(all, "libuv"); }

} // namespace bench
