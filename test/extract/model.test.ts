import { testModel } from './model.ts';

testModel(Number(process.env.MODEL_SEEDS ?? 60));
