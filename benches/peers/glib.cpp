// Peers: GLib's tasks with a cancellable, whose completions the caller's main context delivers, and its
// bare thread pool.

#include "peers.hpp"

#include <gio/gio.h>

namespace bench {

namespace {

class TaskAndCancellable {
public:
    // Its pool cannot be sized: so many threads at first, and more after a while.
    static constexpr unsigned WORKERS = 10;
    static constexpr bool HAS_ONE_CLIENT = true;
    static constexpr std::size_t MOST_PENDING = 100'000;

    struct Call {
        GCancellable *cancellable;
        Work work;
        Words in;
        Words out;
        bool is_complete;
        bool is_canceled;
    };

    explicit TaskAndCancellable(unsigned = 1) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        call.is_complete = false;
        call.cancellable = g_cancellable_new();
        GTask *task = g_task_new(nullptr, call.cancellable, completed, &call);
        g_task_set_task_data(task, &call, nullptr);
        g_task_run_in_thread(task, run);
        g_object_unref(task);
    }
    void finish(Call &call, Words &out) {
        await(call);
        out = call.out;
    }
    void cancel(Call &call) { g_cancellable_cancel(call.cancellable); }
    bool finish_canceled(Call &call) {
        await(call);
        return call.is_canceled;
    }
    void create_and_destroy() {
        GCancellable *cancellable = g_cancellable_new();
        GTask *task = g_task_new(nullptr, cancellable, completed, nullptr);
        g_object_unref(task);
        g_object_unref(cancellable);
    }

private:
    static void run(GTask *task, gpointer, gpointer data, GCancellable *cancellable) {
        Call &call = *static_cast<Call *>(data);
        perform(call.work, call.in, call.out, [&] { return g_cancellable_is_cancelled(cancellable) != FALSE; });
        g_task_return_boolean(task, TRUE);
    }
    static void completed(GObject *, GAsyncResult *result, gpointer data) {
        Call &call = *static_cast<Call *>(data);
        GError *error = nullptr;
        call.is_canceled = g_task_propagate_boolean(G_TASK(result), &error) == FALSE;
        g_clear_error(&error);
        call.is_complete = true;
    }
    static void await(Call &call) {
        while (!call.is_complete) {
            g_main_context_iteration(nullptr, TRUE);
        }
        g_object_unref(call.cancellable);
    }
};

class ThreadPool {
public:
    struct Call {
        GMutex mutex;
        GCond changed;
        Work work;
        Words in;
        Words out;
        bool is_complete;
        Call() {
            g_mutex_init(&mutex);
            g_cond_init(&changed);
        }
        ~Call() {
            g_mutex_clear(&mutex);
            g_cond_clear(&changed);
        }
        Call(const Call &) = delete;
        Call &operator=(const Call &) = delete;
    };

    explicit ThreadPool(unsigned workers = 1)
        : pool_(g_thread_pool_new(run, nullptr, static_cast<gint>(workers), TRUE, nullptr)) {}

    void prepare(Call &) {}
    void begin(Call &call, Work work, const Words &in) {
        call.work = work;
        call.in = in;
        call.is_complete = false;
        if (g_thread_pool_push(pool_, &call, nullptr) == FALSE) {
            fail("g_thread_pool_push");
        }
    }
    void finish(Call &call, Words &out) {
        g_mutex_lock(&call.mutex);
        while (!call.is_complete) {
            g_cond_wait(&call.changed, &call.mutex);
        }
        g_mutex_unlock(&call.mutex);
        out = call.out;
    }
    void create_and_destroy() {
        auto *call = new Call;
        keep(call);
        delete call;
    }

private:
    static void run(gpointer data, gpointer) {
        Call &call = *static_cast<Call *>(data);
        perform(call.work, call.in, call.out);
        g_mutex_lock(&call.mutex);
        call.is_complete = true;
        g_cond_signal(&call.changed);
        g_mutex_unlock(&call.mutex);
    }

    GThreadPool *pool_;
};

} // namespace

void add_glib(std::vector<Job> &all) {
    add_contender<TaskAndCancellable>(all, "gtask");
    add_contender<ThreadPool>(all, "gthreadpool");
}

} // namespace bench
