#pragma once

#include <cstddef>  // brings __GLIBC__

// One loop, compiled for each level of vector unit and chosen when the addon loads. The loader's choosing function runs
// before a sanitizer has set itself up, and needs glibc's indirect functions: elsewhere the loop is compiled once.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define TSRING_TARGET_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TSRING_TARGET_CLONES
#endif
