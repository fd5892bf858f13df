/* crash.h - the named places where a test may end the process, to see that nothing is lost or paid twice. */
#ifndef APP_CRASH_H
#define APP_CRASH_H

/* crash_point - in a build with SLUICE_CRASH_POINTS: when the environment variable SLUICE_CRASH names this
 * point ("name" or "name:n" for its n-th passing), the process kills itself there, as kill -9 would. In other
 * builds: nothing. */
#ifdef SLUICE_CRASH_POINTS
void crash_point(const char *name);
#else
static inline void crash_point(const char *name)
{
    (void)name;
}
#endif

#endif
