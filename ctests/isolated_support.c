#include "isolated_support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *module_path(const char *name)
{
    static _Thread_local char path[4200];
    char own[4096];
    ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);
    if (len <= 0)
        bail_out("nobody knows where this program is");
    own[len] = 0;
    *strrchr(own, '/') = 0;
    snprintf(path, sizeof path, "%s/modules/%s.so", own, name);
    return path;
}

const char *call_host_path(void)
{
    static _Thread_local char path[4200];
    Dl_info about;
    void *function = dlsym(RTLD_DEFAULT, "call_begin");
    if (function == NULL || dladdr(function, &about) == 0)
        bail_out("nobody knows where the library is");
    const char *slash = strrchr(about.dli_fname, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - about.dli_fname);
    snprintf(path, sizeof path, "%.*scall-host", folder, about.dli_fname);
    return path;
}

call_hresult_t try_bind(const char *scheme, const char *module, const char *class_name,
                        const call_bind_options_t *options, call_object_t *object_out)
{
    char moniker[5000];
    snprintf(moniker, sizeof moniker, "%s:%s#%s", scheme, module_path(module), class_name);
    return call_object_bind(moniker, options, object_out);
}

call_object_t bind_object(const char *scheme, const char *module, const char *class_name,
                          const call_bind_options_t *options)
{
    call_object_t object;
    call_hresult_t hr = try_bind(scheme, module, class_name, options, &object);
    if (hr < 0) {
        char why[1024] = "";
        call_hresult_t told = call_get_last_error(NULL, why, sizeof why, NULL);
        bail_out("%s:%s#%s cannot be bound: %s (0x%08X, 0x%08X)", scheme, module, class_name, why, (unsigned)hr,
                 (unsigned)told);
    }
    return object;
}

call_hresult_t call_method(call_object_t object, uint32_t method, const void *in, size_t in_len, void *out,
                           size_t cap, call_fate_t *fate_out)
{
    call_t call;
    must(call_create(object, &call));
    must(call_begin(call, method, in, in_len));
    completed(call);
    size_t len = 0;
    call_hresult_t hr = call_finish(call, out, cap, &len);
    if (fate_out != NULL)
        *fate_out = settled_fate_of(call);
    must(call_release(call));
    return hr;
}

call_t enter_method(call_object_t object, uint32_t method)
{
    call_t call;
    uint64_t done = 0, total = 0;
    must(call_create(object, &call));
    must(call_begin(call, method, NULL, 0));
    for (uint64_t end = now_us() + hang_ms() * 1000ull; done == 0; (void)usleep(500)) {
        if (now_us() > end)
            bail_out("no progress was told: a hang");
        must(call_get_progress(call, &done, &total));
    }
    return call;
}

pid_t pid_of(call_object_t object, uint32_t method)
{
    pid_t pid = 0;
    must(call_method(object, method, NULL, 0, &pid, sizeof pid, NULL));
    return pid;
}

bool process_lives(pid_t pid)
{
    char path[64], line[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    size_t len = fread(line, 1, sizeof line - 1, file);
    (void)fclose(file);
    line[len] = 0;
    const char *name_end = strrchr(line, ')');
    return name_end != NULL && name_end[2] != 'Z' && name_end[2] != 'X';
}

pid_t parent_of(pid_t pid)
{
    char path[64], line[512] = "";
    int parent = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    size_t len = file == NULL ? 0 : fread(line, 1, sizeof line - 1, file);
    line[len] = 0;
    if (file == NULL || fclose(file) != 0 || strrchr(line, ')') == NULL
        || sscanf(strrchr(line, ')'), ") %*c %d", &parent) != 1)
        bail_out("nobody knows who started process %d", (int)pid);
    return parent;
}

void await_death(pid_t pid)
{
    for (uint64_t end = now_us() + hang_ms() * 1000ull; process_lives(pid);) {
        if (now_us() > end)
            bail_out("process %d is still there: a hang", (int)pid);
        (void)usleep(2000);
    }
}

unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        bail_out("nobody knows what is open");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count - 1;
}

unsigned processes_marked(const char *mark)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc");
    if (folder == NULL)
        bail_out("nobody knows what processes there are");
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[300], text[16384];
        int pid = atoi(entry->d_name);
        if (pid <= 0 || pid == getpid() || !process_lives(pid))
            continue;
        snprintf(path, sizeof path, "/proc/%d/environ", pid);
        int file = open(path, O_RDONLY);
        ssize_t len = file < 0 ? 0 : read(file, text, sizeof text);
        if (file >= 0)
            (void)close(file);
        count += len > 0 && memmem(text, (size_t)len, mark, strlen(mark)) != NULL;
    }
    (void)closedir(folder);
    return count;
}
