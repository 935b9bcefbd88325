import { testEveryOther } from './crash-checks.ts';

testEveryOther(1, 'kill-after', 4);
