#pragma once

// Lock annotations that clang's -Wthread-safety checks; nothing for other compilers.
#if defined(__clang__)
#define TSRING_ATTRIBUTE(x) __attribute__((x))
#else
#define TSRING_ATTRIBUTE(x)
#endif

#define CAPABILITY(x) TSRING_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY TSRING_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) TSRING_ATTRIBUTE(guarded_by(x))
#define REQUIRES(...) TSRING_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) TSRING_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) TSRING_ATTRIBUTE(release_capability(__VA_ARGS__))
#define EXCLUDES(...) TSRING_ATTRIBUTE(locks_excluded(__VA_ARGS__))
