# For packages.sh, which reads this file after packages_tree.sh: do programs that are built with a tree have its call-host,
# and does that have the library of the tree?

# isolates FOLDER HOST FLAGS...: a program built so, whose methods run in child processes of the call-host named (or of
# none that is named). They have the library of that folder, of this version, and can be killed.
isolates() {
    folder=$1 host=$2
    shift 2
    # shellcheck disable=SC2046
    "$CC" -std=c11 -shared -fPIC "$consumer/module.c" $(pkg --cflags --libs libcall) -o "$work/module.so" &&
        "$CC" -std=c11 "$consumer/isolated.c" "$@" -o "$work/isolated" || return 1
    output=$(LD_LIBRARY_PATH="$tree$libdir" timeout 60 "$work/isolated" "$work/module.so" ${host:+"$host"}) ||
        echo "ended with $?"
    echo "$output"
    [ "$output" = "RPC_E_CALL_CANCELED, fate 5, ${said##*, } in $folder/libcall.so.$(cat abi/number)" ]
}

# The program that was built last.
finds_none() {
    fails "$work/isolated" "$work/module.so" >"$work/said" &&
        grep "CO_E_SERVER_EXEC_FAILURE there is no call-host beside" "$work/said"
}

beside_the_program() {
    cp "$tree$libdir/call-host" "$tree$libdir/libcall.so.$(cat abi/number)" "$work" && isolates "$work" "" "$@"
}

by_path() {
    (PATH=$work:$PATH && cd / && timeout 60 isolated "$work/module.so") | grep -x 'RPC_E_CALL_CANCELED, fate 5, .*'
}

in_child_processes() {
    have pkg-config || { skip "$label: child processes" "there is no pkg-config"; return; }
    shared=$(pkg --cflags --libs libcall) static=$(pkg --cflags --libs libcall-static)
    rm -f "$work/call-host" "$work"/libcall.so.*
    # shellcheck disable=SC2086 # the flags are words
    check "$label: the library finds call-host beside itself, and that the library" isolates "$tree$libdir" "" $shared
    # shellcheck disable=SC2086
    check "$label: a program with the archive in it takes the one that it names" \
        isolates "$tree$libdir" "$tree$libdir/call-host" $static
    check "$label: and finds none otherwise" finds_none
    # shellcheck disable=SC2086
    check "$label: but the one beside itself, with the library beside that" beside_the_program $static
    check "$label: also where it is started by PATH" by_path
    if echo 'int main(void) { return 0; }' | $CC -static -x c - -o "$work/c" 2>/dev/null; then
        # shellcheck disable=SC2046
        check "$label: and where it is static altogether" \
            beside_the_program -static $(pkg --static --cflags --libs libcall)
    fi
}
