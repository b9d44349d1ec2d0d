using System.Runtime.InteropServices;

namespace Uwsgi.AspNetCore.Benchmarks.Figures;

/// <summary>Memory of a process in kibibytes: what is resident, and what of it no file stands for.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct MemoryUse(double Resident, double Private);
