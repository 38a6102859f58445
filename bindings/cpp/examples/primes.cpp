/* primes LIMIT MS: counts the primes below LIMIT, for MS milliseconds at most. C++17. */
#include <call.hpp>
#include <cstdlib>
#include <iostream>

class primes {
public:
    /* The method: looks for a cancel at every number, and answers with what it has. */
    libcall::hresult count(libcall::context context, std::uint64_t limit)
    {
        std::uint64_t found = 0, n = 2;
        for (; n < limit && !context.is_canceled(); n++) {
            std::uint64_t d = 2;
            while (d * d <= n && n % d != 0)
                d++;
            found += d * d > n;
        }
        context.write(found).value();
        return n < limit ? RPC_E_CALL_CANCELED : S_OK;
    }

    static constexpr libcall::method methods[] = {{"count", libcall::run<&primes::count>}};
};

int main(int argc, char **argv)
try {
    std::uint64_t limit = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000000000;
    std::chrono::milliseconds time(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1000);

    libcall::object object = libcall::object::make<primes>({}).value(); /* in the process-wide pool */
    libcall::call call = object.create_call().value();
    call.begin(0, limit).value();
    if (call.wait_for(time).value() == libcall::wait_status::timeout)
        call.cancel(std::chrono::seconds(2)); /* it may still answer, within 2 seconds */
    auto outcome = call.finish<std::uint64_t>();
    std::cout << outcome.code().name() << ": " << outcome.output().value_or(0) << " primes, fate "
              << name(outcome.fate()) << '\n';
    return outcome ? 0 : 1;
} catch (const libcall::error &failure) {
    std::cerr << failure.what() << '\n';
    return 2;
}
