// Annotations of locks for clang's thread safety analysis (-Wthread-safety, the preset `clang`).
// They expand to nothing under g++. Source: clang's documentation, "Thread Safety Analysis".
#pragma once

#ifdef __clang__
#define CLUSTER_ATTRIBUTE(attribute) __attribute__((attribute))
#else
#define CLUSTER_ATTRIBUTE(attribute)
#endif

/// A type that is a lock, and a type that holds a lock from its construction to its destruction.
#define CAPABILITY(name) CLUSTER_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY CLUSTER_ATTRIBUTE(scoped_lockable)

/// A member that is accessed with the mutex held only; and a pointer whose target is.
#define GUARDED_BY(mutex) CLUSTER_ATTRIBUTE(guarded_by(mutex))
#define PT_GUARDED_BY(mutex) CLUSTER_ATTRIBUTE(pt_guarded_by(mutex))

/// A function whose caller holds the mutex, and one whose caller must not hold it, because it takes
/// the mutex itself or calls functions that may.
#define REQUIRES(...) CLUSTER_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) CLUSTER_ATTRIBUTE(locks_excluded(__VA_ARGS__))

/// A function that returns with the mutex held, and one that releases it.
#define ACQUIRE(...) CLUSTER_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) CLUSTER_ATTRIBUTE(release_capability(__VA_ARGS__))

/// The order in which two mutexes are taken by a thread that takes both.
#define ACQUIRED_BEFORE(...) CLUSTER_ATTRIBUTE(acquired_before(__VA_ARGS__))

/// For code that the analysis cannot follow; only in adapters/sync.
#define NO_THREAD_SAFETY_ANALYSIS CLUSTER_ATTRIBUTE(no_thread_safety_analysis)
