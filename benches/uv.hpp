// A peer: libuv's thread pool. The event loop belongs to the caller, who turns it to finish a call.
#pragma once

#include "stage.hpp"

#include <cstdlib>
#include <uv.h>

namespace bench {

class UvPool {
public:
    struct Call {
        uv_work_t request;
        Work work;
        Words in;
        Words out;
        bool is_complete;
    };

    UvPool() {
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
        while (!call.is_complete) {
            uv_run(&loop_, UV_RUN_ONCE);
        }
        out = call.out;
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
        if (status != 0) {
            fail("a call of libuv failed");
        }
        of(request).is_complete = true;
    }

    uv_loop_t loop_;
};

} // namespace bench
