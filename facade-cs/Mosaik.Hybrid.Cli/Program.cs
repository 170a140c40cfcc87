using Mosaik.Hybrid.Cli;

return await MosaikTool.RunAsync(args);
