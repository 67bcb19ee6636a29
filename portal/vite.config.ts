import { defineConfig } from 'vite';

// The bundle is committed, so a build has to give the same bytes in any folder: no path and no time may get into it.
export default defineConfig({
  base: './', // The function says where the assets are, so one bundle works under any path.
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: {
    target: 'es2022',
    outDir: '../functions/serve_portal/site',
    emptyOutDir: true,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
});
