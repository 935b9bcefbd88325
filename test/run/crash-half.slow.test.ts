import { testEveryOther } from './crash-checks.ts';

testEveryOther(2, 'kill-half', 4);
