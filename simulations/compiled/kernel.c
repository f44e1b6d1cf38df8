/* Masked descent on F = |w|^2 / 2 with standard normal noise, uniform systematic masks in a fixed order and inverse
 * inclusion weights. Only coordinates that the mask keeps get noise: what is not kept does not move, so the law of the
 * iterates is that of drawing noise for all. One replicate after another, so that its iterate stays in the cache.
 *
 * REAL is float or double. Normal numbers: the ziggurat of Marsaglia and Tsang 2000 with 128 layers, on xoshiro256++.
 */
#include <math.h>
#include <stdint.h>

typedef struct {
    uint64_t s[4];
} generator;

static uint64_t rotated(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

static uint64_t word(generator *g) {
    uint64_t *s = g->s, result = rotated(s[0] + s[3], 23) + s[0], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 45);
    return result;
}

/* splitmix64 fills the state, as the authors of xoshiro recommend. */
static void seeded(generator *g, uint64_t key) {
    for (int i = 0; i < 4; i++) {
        uint64_t z = (key += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        g->s[i] = z ^ (z >> 31);
    }
}

static double uniform(generator *g) { return (double)(word(g) >> 11) * 0x1.0p-53; }

/* Layers of equal area V under exp(-x^2 / 2), the lowest one with the tail beyond R: edge[i] is the right end of layer
 * i, height[i] the density there. */
#define LAYERS 128
static const double R = 3.442619855899, V = 9.91256303526217e-3;
static double edge[LAYERS + 1], height[LAYERS + 1];

static void tabulate(void) {
    edge[0] = V / exp(-0.5 * R * R);
    edge[1] = R;
    for (int i = 2; i < LAYERS; i++) edge[i] = sqrt(-2 * log(V / edge[i - 1] + exp(-0.5 * edge[i - 1] * edge[i - 1])));
    edge[LAYERS] = 0;
    for (int i = 0; i <= LAYERS; i++) height[i] = exp(-0.5 * edge[i] * edge[i]);
}

static double normal(generator *g) {
    for (;;) {
        uint64_t bits = word(g);
        int layer = bits & (LAYERS - 1);
        double x = (double)((int64_t)bits >> 11) * 0x1.0p-52 * edge[layer]; /* uniform on (-edge, edge) */
        if (fabs(x) < edge[layer + 1]) return x;
        if (layer == 0) {
            double a, b;
            do {
                a = -log(1 - uniform(g)) / R;
                b = -log(1 - uniform(g));
            } while (2 * b < a * a);
            return x > 0 ? R + a : -R - a;
        }
        if (height[layer] + uniform(g) * (height[layer + 1] - height[layer]) < exp(-0.5 * x * x)) return x;
    }
}

/* ends: 0 and the d cumulative inclusion probabilities, the last of them k. w (replicates, d) is overwritten;
 * average (replicates) gets the mean of |grad F|^2 over the steps. */
void run(int64_t replicates, int64_t d, int64_t steps, const double *ends, double stepsize, uint64_t seed, REAL *w,
         double *average) {
    tabulate();
    int64_t k = (int64_t)ends[d];
    double stride = (double)d / (double)k;
    for (int64_t r = 0; r < replicates; r++) {
        generator g;
        seeded(&g, seed + 0x632be59bd9b4e019ULL * (uint64_t)(r + 1));
        REAL *mine = w + r * d;
        double energy = 0;
        for (int64_t t = 0; t < steps; t++) {
            REAL square = 0;
            for (int64_t j = 0; j < d; j++) square += mine[j] * mine[j];
            energy += (double)square;
            double u = uniform(&g);
            for (int64_t m = 1; m <= k; m++) { /* the unit in which the m-th whole number is crossed */
                int64_t j = (int64_t)((m - u) * stride);
                while (j > 0 && ends[j] + u >= m) j--;
                while (ends[j + 1] + u < m) j++;
                double pi = ends[j + 1] - ends[j];
                mine[j] -= (REAL)(stepsize / pi * (mine[j] + normal(&g)));
            }
        }
        average[r] = energy / (double)steps;
    }
}
