namespace Uwsgi.AspNetCore.Transport.Loop;

/// <summary>On connections whose flush sends by itself, on the flushing thread: nothing is gained by a way past their pipe.</summary>
internal interface IInlineTransportFeature;
