namespace Uwsgi.AspNetCore.Transport;

/// <summary>The connections that wait to be accepted on a socket.</summary>
/// <param name="Socket">The socket they wait on.</param>
/// <param name="Length">Their number; 0 where the system does not tell.</param>
/// <param name="Limit">The most that can wait; 0 where the system does not tell.</param>
internal readonly record struct AcceptQueue(ListeningSocket Socket, int Length, int Limit);
