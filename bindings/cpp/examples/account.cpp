/* An object that is a class: values in and out, and exceptions that reach the client. C++17. */
#include <call.hpp>
#include <iostream>

class account {
public:
    explicit account(std::int64_t balance) : balance_(balance) {}

    std::int64_t balance(libcall::context) const { return balance_; }

    std::int64_t withdraw(libcall::context, std::int64_t amount)
    {
        if (amount < 0)
            throw libcall::method_error(E_INVALIDARG, "a negative amount");
        if (amount > balance_)
            throw std::runtime_error("there are only " + std::to_string(balance_));
        return balance_ -= amount;
    }

    static constexpr libcall::method methods[] = {
        {"balance", libcall::run<&account::balance>},
        {"withdraw", libcall::run<&account::withdraw>},
    };
    enum : std::uint32_t { BALANCE, WITHDRAW };

private:
    std::int64_t balance_;
};

int main()
{
    /* One method at a time: the class needs no lock. */
    libcall::apartment bank = libcall::apartment::create_serial("bank").value();
    libcall::object object = libcall::object::make<account>(bank, 100).value();

    /* As a value. */
    for (std::int64_t amount : {30, -1}) {
        auto left = object.invoke<std::int64_t>(account::WITHDRAW, amount);
        if (left)
            std::cout << "left: " << *left.output() << '\n';
        else
            std::cout << "refused: " << left.code().name() << '\n';
    }

    /* Or as an exception. */
    libcall::call call = object.create_call().value();
    try {
        call.begin(account::WITHDRAW, std::int64_t{1000}).value();
        std::int64_t left = call.finish<std::int64_t>().value();
        std::cout << "left: " << left << '\n';
    } catch (const libcall::error &failure) {
        std::cout << failure.what() << '\n';
    }
}
