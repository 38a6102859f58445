/* Owners, and a call from begin to finish in every way. */
#include <atomic>
#include <array>
#include <thread>
#include <vector>

#include "tap.hpp"

using namespace std::chrono_literals;
using libcall::call;
using libcall::fate;
using libcall::object;

namespace {

struct worker {
    explicit worker(std::atomic<unsigned> *deleted = nullptr) : deleted_(deleted) {}
    worker(const worker &) = delete;
    worker &operator=(const worker &) = delete;
    ~worker()
    {
        if (deleted_ != nullptr)
            ++*deleted_;
    }

    std::string_view echo(libcall::context, std::string_view in) { return in; }
    std::uint64_t twice(libcall::context, std::uint64_t n) { return 2 * n; }
    libcall::hresult wait(libcall::context of)
    {
        started.open();
        if (!of.wait_cancel(libcall::infinite))
            return E_UNEXPECTED;
        (void)of.write("so far").has_value();
        return of.fail(RPC_E_CALL_CANCELED, "stopped half-way");
    }
    /* Does not look. */
    void deaf(libcall::context)
    {
        started.open();
        go.pass();
    }
    static constexpr libcall::method methods[] = {
        {"echo", libcall::run<&worker::echo>},
        {"twice", libcall::run<&worker::twice>},
        {"wait", libcall::run<&worker::wait>},
        {"deaf", libcall::run<&worker::deaf>},
    };

    tap::gate started, go;

private:
    std::atomic<unsigned> *deleted_;
};
enum : std::uint32_t { ECHO_TEXT, TWICE, WAIT, DEAF };

} // namespace

static void owners()
{
    std::atomic<unsigned> deleted{0};
    {
        object first = object::make<worker>({}, &deleted).value();
        object second = std::move(first);
        tap::ok(!first && second, "a moved owner owns nothing");
        call of_it = second.create_call().value();
        second.reset();
        tap::is_number(deleted, 0, "a call object keeps its object");
        call other = of_it.share().value();
        of_it = call();
        tap::is_code(other.begin(TWICE, std::uint64_t{4}).error(), S_OK, "a shared call object lives on");
        tap::is_number(other.finish<std::uint64_t>().value(), 8, "and is called");
        call_t raw = other.release();
        tap::ok(!other && call_release(raw) == S_OK, "release hands the handle out");
    }
    while (deleted == 0)
        std::this_thread::yield();
    tap::is_number(deleted, 1, "the object is deleted once");

    auto self = std::make_unique<worker>(&deleted);
    libcall::apartment closed = libcall::apartment::create_serial("closed").value();
    tap::is_number(closed.close(libcall::infinite).value(), 0, "an apartment is closed");
    tap::is_code(object::create(closed, std::move(self)).error(), RPC_E_DISCONNECTED, "no object is made there");
    tap::is_number(deleted, 2, "and what it would have been is deleted");
}

/* Each kind gives its handle back when it goes. */
static void handles()
{
    worker self;
    call_apartment_t apartment{};
    call_object_t target{};
    call_t job{};
    call_cancel_t cancel{};
    call_queue_t queue{};
    call_buffer_t buffer{};
    {
        libcall::apartment own_apartment = libcall::apartment::create_serial().value();
        object own_object = object::refer(own_apartment, self).value();
        call own_call = own_object.create_call().value();
        libcall::cancel_interface own_cancel = own_call.query_cancel().value();
        libcall::queue own_queue = libcall::queue::create().value();
        own_call.begin(ECHO_TEXT, "x").value();
        libcall::buffer own_buffer = own_call.finish().value();
        apartment = own_apartment.get(), target = own_object.get(), job = own_call.get(), cancel = own_cancel.get();
        queue = own_queue.get(), buffer = own_buffer.get();
        tap::ok(queue.id != 0 && buffer.id != 0 && own_buffer.text() == "x", "owners of each kind");
    }
    tap::is_code(call_apartment_release(apartment), E_HANDLE, "an apartment is given back");
    tap::is_code(call_object_release(target), E_HANDLE, "an object");
    tap::is_code(call_release(job), E_HANDLE, "a call object");
    tap::is_code(call_cancel_release(cancel), E_HANDLE, "a cancel interface");
    tap::is_code(call_queue_release(queue), E_HANDLE, "a queue");
    tap::is_code(call_buffer_release(buffer), E_HANDLE, "a buffer");
    {
        object own_object = object::refer({}, self).value();
        call own_call = own_object.create_call().value();
        job = own_call.get();
        own_call.begin(TWICE, 'x').value();
        auto failed = own_call.finish();
        own_call.reset();
        tap::is_text(failed.message(), "the input is not of the size of what the method takes",
                     "a failed outcome keeps its call");
    }
    tap::is_code(call_release(job), E_HANDLE, "until it goes");
}

static void finishes(call &job)
{
    tap::is_code(job.begin(ECHO_TEXT, "words").error(), S_OK, "begin with text");
    auto echoed = job.finish();
    tap::is_text(std::string(echoed.value().text()), "words", "finish gives the library's buffer");
    tap::is_fate(echoed.fate(), fate::completed, "with the fate");

    (void)job.begin(ECHO_TEXT).has_value();
    auto empty = job.finish();
    tap::ok(empty && empty.value().bytes().empty(), "no output is an empty buffer");

    std::array<char, 3> small{};
    std::array<char, 16> room{};
    job.begin(ECHO_TEXT, "longer").value();
    job.wait().value();
    auto more = job.finish_into(small);
    tap::is_code(more.code(), CALL_E_MORE_DATA, "room that is too small");
    tap::is_number(*more.output(), 6, "tells the length");
    tap::is_number(job.try_finish_into(room).value(), 6, "and nothing is lost");

    job.begin(ECHO_TEXT, "12345").value();
    job.wait().value();
    auto wrong = job.finish<std::array<char, 4>>();
    tap::is_code(wrong.code(), CALL_E_MORE_DATA, "a value that is too small");
    auto other = job.finish<std::array<char, 8>>();
    tap::ok(other && !other.output(), "one that is too large is no value");
    tap::throws<libcall::error>([&] { (void)other.value(); }, [](const auto &e) { return e.code() == E_UNEXPECTED; },
                                "value() says so");

    auto owned = std::make_unique<std::byte[]>(100000);
    owned[99999] = std::byte{7};
    const std::byte *at = owned.get();
    job.begin_owned(ECHO_TEXT, std::move(owned), 100000).value();
    tap::ok(!owned && job.finish().value().bytes().end()[-1] == std::byte{7}, "an input is taken over");
    owned = std::make_unique<std::byte[]>(4);
    at = owned.get();
    tap::is_code(job.begin_owned(99, std::move(owned), 4).error(), DISP_E_MEMBERNOTFOUND, "where begin fails");
    tap::ok(owned.get() == at, "the input stays the caller's");
    tap::is_code(job.finish().code(), RPC_E_CALL_COMPLETE, "nothing to finish");
}

static void cancels(worker &self, call &job)
{
    job.begin(WAIT).value();
    self.started.pass();
    tap::ok(job.wait_for(1ms).value() == libcall::wait_status::timeout, "a wait that is over");
    tap::ok(job.wait_until(std::chrono::steady_clock::now() + 1ms).value() == libcall::wait_status::timeout,
            "until a time that comes");
    tap::is_code(job.try_finish<std::uint64_t>().code(), RPC_S_CALLPENDING, "nothing to finish yet");
    auto cancel = job.query_cancel().value();
    tap::is_code(cancel.test(), RPC_S_CALLPENDING, "not canceled");
    tap::is_code(cancel.cancel(1h), RPC_E_CALL_COMPLETE, "a cancel that the method answers");
    auto stopped = job.finish();
    tap::is_code(stopped.code(), RPC_E_CALL_CANCELED, "the call is canceled");
    tap::is_fate(stopped.fate(), fate::stopped, "the work has stopped");
    tap::is_text(std::string(stopped.output()->text()), "so far", "what was written is there");
    tap::is_text(stopped.message(), "stopped half-way", "and the message");
    tap::ok(job.cause() == libcall::cause::cancel, "and the cause");
    tap::throws<libcall::error>([&] { (void)stopped.value(); },
                                [](const auto &e) {
                                    return e.fate() == fate::stopped &&
                                           std::string(e.what()) == "RPC_E_CALL_CANCELED: stopped half-way";
                                },
                                "value() throws code, message and fate");
    tap::is_code(cancel.request(0ms), RPC_E_CALL_COMPLETE, "a late cancel hits nothing");

    job.begin(DEAF).value();
    self.started.pass();
    tap::is_code(job.cancel(0s), S_OK, "a method that does not look");
    tap::is_code(job.finish().code(), RPC_E_CALL_CANCELED, "its client is freed");
    tap::is_fate(job.fate(), fate::running, "it runs on");
    self.go.open();
    while (job.fate() == fate::running)
        std::this_thread::yield();
    tap::is_fate(job.fate(), fate::completed, "until it ends");

    job.set_timeout(20ms, 1h).value();
    auto ended = [&job] {
        job.begin(WAIT).value();
        return job.finish();
    };
    auto late = ended();
    while (late.fate() == fate::never_started) /* it may pass before the method is entered */
        late = ended();
    self.started.pass();
    tap::is_code(late.code(), RPC_E_TIMEOUT, "a deadline passes");
    tap::is_fate(late.fate(), fate::stopped, "and stops the work");
    job.set_timeout(libcall::infinite).value();
}

static void tells(worker &self, object &target)
{
    libcall::queue queue = libcall::queue::create().value();
    std::vector<call> calls;
    std::vector<call_t> handles;
    for (std::uint64_t i = 0; i < 3; i++) {
        calls.push_back(target.create_call().value());
        handles.push_back(calls.back().get());
        calls.back().set_queue(queue.get(), i).value();
        calls.back().begin(TWICE, i).value();
    }
    tap::ok(libcall::wait_all(handles, libcall::infinite).value() == libcall::wait_status::ready, "all are complete");
    tap::ok(libcall::wait_any(handles, 0ms).value() < 3, "and so is one of them");
    std::array<call_completion_t, 8> batch{};
    std::uint64_t seen = 0;
    for (unsigned taken = 0; taken < 3;) {
        std::size_t count = queue.next(batch, libcall::infinite).value();
        for (std::size_t i = 0; i < count; i++, taken++)
            seen += libcall::call_ref(batch[i].call).finish<std::uint64_t>().value() == 2 * batch[i].tag
                        ? 1u << batch[i].tag
                        : 100;
    }
    tap::is_number(seen, 7, "each completion came once, with its tag");
    tap::is_code(queue.next(batch, 0ms).error(), RPC_S_CALLPENDING, "and no other");
    tap::is_code(queue.post(77), S_OK, "a tag is posted");
    tap::ok(queue.next(batch, libcall::infinite).value() == 1 && batch[0].tag == 77, "and taken");
    tap::ok(queue.descriptor().value() >= 0, "a queue has a descriptor");
    tap::is_code(queue.close(), S_OK, "a queue is closed");
    tap::is_code(queue.next(batch, libcall::infinite).error(), RPC_E_DISCONNECTED, "nothing will come");

    tap::gate complete;
    unsigned told = 0;
    std::atomic<unsigned> deleted{0};
    struct counted {
        tap::gate *opened;
        unsigned *told;
        std::atomic<unsigned> *deleted;
        counted(tap::gate *of, unsigned *a, std::atomic<unsigned> *b) : opened(of), told(a), deleted(b) {}
        counted(const counted &) = delete;
        counted &operator=(const counted &) = delete;
        ~counted() { ++*deleted; }
        void operator()(libcall::call_ref) { ++*told, opened->open(); }
    };
    call job = target.create_call().value();
    job.on_complete(std::make_unique<counted>(&complete, &told, &deleted)).value();
    job.begin(TWICE, std::uint64_t{1}).value();
    complete.pass();
    tap::is_number(told, 1, "a function is told");
    (void)job.finish().code();
    auto counts = [&](libcall::call_ref of) { told += of == job ? 10u : 1000u, complete.open(); };
    job.on_complete(counts).value();
    /* Maybe a moment later, by the thread that it ran on. */
    while (deleted == 0)
        std::this_thread::yield();
    tap::is_number(deleted, 1, "one that is replaced is deleted");
    job.begin(TWICE, std::uint64_t{1}).value();
    complete.pass();
    tap::is_number(told, 11, "one that stays the caller's is told, too");
    (void)job.finish().code();
    job.on_complete(nullptr).value();

    auto answer = target.invoke<std::uint64_t>(TWICE, std::uint64_t{21});
    tap::is_number(answer.value(), 42, "invoke is one call");
    tap::is_text(std::string(target.invoke(ECHO_TEXT, "abc").value().text()), "abc", "also with a buffer");
    tap::is_code(target.invoke<std::uint64_t>(TWICE, 'x').code(), E_INVALIDARG, "an input of the wrong size");
    tap::is_number(target.find_method("wait").value(), WAIT, "a method by its name");
    tap::is_code(target.find_method("none").error(), DISP_E_UNKNOWNNAME, "or none");

    std::uint64_t id = 0;
    tap::gate known;
    std::thread client([&] {
        libcall::cancellation_enabled enabled;
        id = libcall::thread_id().value();
        known.open();
        auto canceled = target.invoke(WAIT, "");
        tap::is_code(canceled.code(), RPC_E_CALL_CANCELED, "a synchronous call is canceled by its thread");
        tap::is_fate(canceled.fate(), fate::stopped, "and stops");
    });
    known.pass();
    self.started.pass();
    auto cancel = libcall::query_thread_cancel(id).value();
    tap::is_code(cancel.cancel(1h), RPC_E_CALL_COMPLETE, "through the interface of that call");
    client.join();
    tap::is_code(libcall::cancel_thread(id, 0s), E_HANDLE, "a thread that is gone");
}

static void single()
{
    worker self;
    libcall::apartment own = libcall::apartment::create_single("own").value();
    object here = object::refer(own, self).value();
    call job = here.create_call().value();
    job.begin(TWICE, std::uint64_t{5}).value();
    tap::ok(own.descriptor().value() >= 0, "a single apartment has a descriptor");
    tap::is_number(own.pump(0ms).value(), 1, "pumping runs what is queued");
    tap::is_number(job.try_finish<std::uint64_t>().value(), 10, "and it is complete");
    here.disconnect().value();
    tap::is_code(job.begin(TWICE, std::uint64_t{5}).error(), RPC_E_DISCONNECTED, "an object is disconnected");
}

int main()
{
    owners();
    handles();
    auto self = std::make_unique<worker>();
    worker &seen = *self;
    object target = object::create({}, std::move(self)).value();
    call job = target.create_call().value();
    finishes(job);
    cancels(seen, job);
    tells(seen, target);
    single();
    return tap::end();
}
