// Compiled by clang during configuration, never linked; with UNGUARDED defined it must fail.
#include "adapters/sync/mutex.h"

namespace {

class Counter {
public:
    void count() {
#ifndef UNGUARDED
        const adapters::sync::Lock lock{mutex_};
#endif
        ++count_;
    }

private:
    adapters::sync::Mutex mutex_;
    int count_ GUARDED_BY(mutex_) = 0;
};

}  // namespace

void count() { Counter{}.count(); }
