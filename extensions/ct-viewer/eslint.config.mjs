// The rules of the gate for TypeScript: recommended plus "no any" and small files.
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['build.mjs', 'eslint.config.mjs'] },
  eslint.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ['src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', 250],
      'no-restricted-globals': ['error', { name: 'fetch', message: 'Only transport.ts fetches.' }]
    }
  },
  { files: ['src/transport.ts'], rules: { 'no-restricted-globals': 'off' } }
);
